"""What a TraceQL case is: a query beside the same thing said in plain Python over the generated spans."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contract.conformance.world import S

Keep = Callable[[S], bool]
Spansets = list[list[S]]
Expect = Callable[[list[S]], Spansets]  # a trace's spans to its spansets; none where it does not match

OPS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A query and the function that works out what it finds in one trace."""

    query: str
    expect: Expect

    def __str__(self) -> str:
        return self.query


def sets(spans: list[S]) -> Spansets:
    """One spanset, or none where there is no span."""
    return [spans] if spans else []


def keep(condition: str, test: Keep) -> Case:
    """`{ condition }`: the spans that pass the test."""
    return Case(f"{{ {condition} }}", lambda trace: sets([span for span in trace if test(span)]))


def attr(name: str) -> Callable[[S], Any]:
    """An attribute of the span."""
    return lambda span: span.attrs.get(name)


def compared(field: str, read: Callable[[S], Any], op: str, text: str, value: Any) -> Case:
    """`{ field op text }` where the field is there."""
    return keep(f"{field} {op} {text}", lambda s: read(s) is not None and OPS[op](read(s), value))
