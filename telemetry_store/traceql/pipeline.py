"""A pipeline over one trace: from spansets to spansets."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from telemetry_store.traceql import ast
from telemetry_store.traceql.nodes import Node, Trace
from telemetry_store.traceql.relations import related, union

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "avg": lambda values: sum(values) / len(values), "max": max, "min": min, "sum": sum,
}  # fmt: skip


@dataclass
class Spanset:
    """Spans of one trace that go together, and what `by` and aggregates said of them, as (name, value)."""

    nodes: list[Node]
    facts: list[tuple[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Slots:
    """Where a node keeps its answers: a condition's place in `meets`, a field's in `values`."""

    conditions: list[ast.Expression]
    fields: list[ast.Expression]

    @classmethod
    def of(cls, query: ast.TraceQuery) -> "Slots":
        """Every condition and computed field of a query, once."""
        slots = cls([], [])
        slots._visit(query.pipeline)
        if query.metric:
            for expression in (query.metric.operand, *query.metric.by):
                slots._add(slots.fields, expression)
        return slots

    def _visit(self, part: ast.Spansets | ast.Stage) -> None:
        if isinstance(part, ast.Filter):
            self._add(self.conditions, part.condition)
        elif isinstance(part, ast.Combined):
            self._visit(part.left)
            self._visit(part.right)
        elif isinstance(part, ast.Pipeline):
            for inner in (part.source, *part.stages):
                self._visit(inner)
        elif isinstance(part, ast.ScalarFilter):
            self._add(self.fields, part.aggregate.operand)
        elif isinstance(part, ast.GroupBy):
            self._add(self.fields, part.expression)

    def _add(self, into: list[ast.Expression], expression: ast.Expression | None) -> None:
        if expression is not None and expression not in into:
            into.append(expression)

    def meets(self, node: Node, condition: ast.Expression | None) -> bool:
        """Whether the span meets the condition."""
        return condition is None or node.meets[self.conditions.index(condition)]

    def value(self, node: Node, expression: ast.Expression) -> Any:
        """A field's value, None where the span has none."""
        return node.values[self.fields.index(expression)]


def spansets(part: ast.Spansets, trace: Trace, slots: Slots) -> list[Spanset]:
    """The trace's spansets that a spanset expression leaves; empty where the trace does not match."""
    if isinstance(part, ast.Pipeline):
        sets = spansets(part.source, trace, slots)
        for stage in part.stages:
            sets = _apply(stage, sets, slots)
        return sets
    if isinstance(part, ast.Filter):
        return _kept([node for node in trace.nodes if slots.meets(node, part.condition)])
    return _combined(part, trace, slots)


def _kept(nodes: list[Node]) -> list[Spanset]:
    return [Spanset(nodes)] if nodes else []


def _combined(part: ast.Combined, trace: Trace, slots: Slots) -> list[Spanset]:
    left, right = (_flat(spansets(side, trace, slots)) for side in (part.left, part.right))
    if part.op == "||":
        return _kept(union(left, right))
    if part.op == "&&":
        return _kept(union(left, right)) if left and right else []
    return _kept(related(part.op, trace, left, right))


def _flat(sets: list[Spanset]) -> list[Node]:
    return list(dict.fromkeys(node for spanset in sets for node in spanset.nodes))


def _apply(stage: ast.Stage, sets: list[Spanset], slots: Slots) -> list[Spanset]:
    if isinstance(stage, ast.Filter):
        kept = [([n for n in s.nodes if slots.meets(n, stage.condition)], s.facts) for s in sets]
        return [Spanset(nodes, facts) for nodes, facts in kept if nodes]
    if isinstance(stage, ast.ScalarFilter):
        return [spanset for spanset in sets if _holds(stage, spanset, slots)]
    if isinstance(stage, ast.GroupBy):
        return [group for spanset in sets for group in _groups(stage, spanset, slots)]
    if isinstance(stage, ast.Coalesce):
        return _kept(_flat(sets))
    return sets


def _holds(stage: ast.ScalarFilter, spanset: Spanset, slots: Slots) -> bool:
    """Whether the aggregate compares as asked; it then is a fact of the spanset."""
    value = aggregate(stage.aggregate, spanset.nodes, slots)
    if value is None or not _COMPARE[stage.op](value, stage.value.value):
        return False
    spanset.facts.append((str(stage.aggregate), value))
    return True


def aggregate(what: ast.Aggregate, nodes: list[Node], slots: Slots) -> float | None:
    """The aggregate's value, None where no span has the field."""
    if what.operand is None:
        return len(nodes)
    found = [slots.value(node, what.operand) for node in nodes]
    values = [value for value in found if isinstance(value, int | float) and not isinstance(value, bool)]
    return _REDUCE[what.name](values) if values else None


def _groups(stage: ast.GroupBy, spanset: Spanset, slots: Slots) -> list[Spanset]:
    groups: dict[Any, list[Node]] = {}
    for node in spanset.nodes:
        groups.setdefault(slots.value(node, stage.expression), []).append(node)
    name = f"by({stage.expression})"
    return [Spanset(nodes, [*spanset.facts, (name, value)]) for value, nodes in groups.items()]
