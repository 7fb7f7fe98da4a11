"""What a runbook is made of."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Language = Literal["promql", "traceql", "logql", "faultline"]
LANGUAGES: tuple[Language, ...] = ("promql", "traceql", "logql", "faultline")
SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Prevention", "Decision table")

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_EXPECTATION = re.compile(
    r"Holds if (?:(?P<of>any value|every value|rows) (?P<op>[<>]=?) (?P<bound>\d+(?:\.\d+)?)(?: [^.]*)?|"
    r"it exits with (?P<code>\d+))\.(?=\s|$)"
)


@dataclass(frozen=True)
class Expectation:
    """What a step's answer has to be for the step to hold: read by people in the text, by the runner here.

    ``of`` is "any value", "every value", "rows" or "exit code".
    """

    of: str
    op: str
    bound: float

    def __str__(self) -> str:
        return f"{self.of} {self.op} {self.bound:.12g}"

    def holds(self, values: Sequence[float], rows: int) -> bool:
        """Whether an answer of these values in so many rows is as expected; without rows no value passes a bound."""
        if self.of == "rows":
            return _OPERATORS[self.op](rows, self.bound)
        if self.of == "exit code":
            return bool(values) and values[0] == self.bound
        passed = [_OPERATORS[self.op](value, self.bound) for value in values]
        return bool(passed) and (any(passed) if self.of == "any value" else all(passed))


def expectation(text: str) -> Expectation | None:
    """The sentence "Holds if …." of a step's text.

    >>> str(expectation("Holds if any value > 0.02 s. Look for the pool."))
    'any value > 0.02'
    >>> str(expectation("Holds if any value > 5000000 pixels."))
    'any value > 5000000'
    """
    found = _EXPECTATION.search(text)
    if not found:
        return None
    if found["code"]:
        return Expectation("exit code", "=", float(found["code"]))
    return Expectation(found["of"], found["op"], float(found["bound"]))


@dataclass(frozen=True)
class Step:
    """A numbered step: a query and what to expect of it. ``question`` stands above the query, ``look_for`` below."""

    number: int
    name: str
    question: str
    language: Language
    query: str
    expect: Expectation
    look_for: str

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "name": self.name,
            "question": self.question,
            "language": self.language,
            "query": self.query,
            "expect": str(self.expect),
            "look_for": self.look_for,
        }


@dataclass(frozen=True)
class Branch:
    """A row of the decision table: which steps hold, which do not, and the kind of cause that this means."""

    holds: tuple[str, ...]
    fails: tuple[str, ...]
    kind: str
    page: str
    rest: tuple[str, ...] = ()

    def points(self, found: Mapping[str, bool | None]) -> bool:
        """Whether the evidence points here; what could not be asked points nowhere."""
        return all(found[name] is True for name in self.holds) and all(found[name] is False for name in self.fails)

    def as_json(self) -> dict[str, Any]:
        return {
            "holds": list(self.holds),
            "fails": list(self.fails),
            "kind": self.kind,
            "page": self.page,
            "rest": list(self.rest),
        }


@dataclass(frozen=True)
class Section:
    """A heading of the page: its Markdown, its plain text, and safe HTML (raw HTML in the source stays text)."""

    title: str
    source: str
    text: str
    html: str


@dataclass(frozen=True)
class Runbook:
    """One alert's page. The table's first row that the evidence fits is the branch."""

    alert: str
    front_matter: Mapping[str, Any]
    sections: tuple[Section, ...]
    steps: tuple[Step, ...]
    table: tuple[Branch, ...]
    columns: tuple[str, ...] = field(default=())

    @property
    def causes(self) -> tuple[str, ...]:
        """Ids of the faults that make this alert fire."""
        return tuple(self.front_matter["causes"])

    @property
    def also(self) -> tuple[str, ...]:
        """Ids of further faults that its table leads to: alone they make it fire only where time is short, or late."""
        return tuple(self.front_matter.get("also", ()))

    def step(self, number: int) -> Step | None:
        return next((step for step in self.steps if step.number == number), None)

    def branch(self, found: Mapping[str, bool | None]) -> int | None:
        """Index of the first row that the steps' results (by name) point to; None where there is none."""
        return next((index for index, row in enumerate(self.table) if row.points(found)), None)

    def as_json(self) -> dict[str, Any]:
        """What a page shows. Links lead to ``/runbooks/ALERT`` and ``/runbooks/kinds/PAGE``."""
        return {
            "title": self.alert,
            "front_matter": dict(self.front_matter),
            "sections": [{"title": each.title, "html": each.html} for each in self.sections],
            "steps": [step.as_json() for step in self.steps],
            "table": [row.as_json() for row in self.table],
            "columns": list(self.columns),
        }
