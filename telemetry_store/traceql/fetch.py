"""Spans of chosen traces from DuckDB into memory."""

import uuid
from collections.abc import Iterator
from typing import Any

from telemetry_store.http import Query
from telemetry_store.storage.patterns import check_patterns
from telemetry_store.traceql import ast
from telemetry_store.traceql.nodes import Node, Trace
from telemetry_store.traceql.pipeline import Slots
from telemetry_store.traceql.sql import TRACES, SqlBuilder

_FIXED = "place, s.span_id, s.parent_id, s.start, s.duration, s.name, s.status, o.service, s.kind"
_FIXED_COUNT = 9


class Fetcher:
    """Reads every span of given traces with its conditions and fields."""

    def __init__(self, slots: Slots, query: Query) -> None:
        self._query, self._slots = query, slots
        self._builder = SqlBuilder(query.database.columns)
        masks = [self._builder.condition(condition) for condition in slots.conditions]
        self._fields = [_Field(expression, self._builder) for expression in slots.fields]
        check_patterns(query.cursor, self._builder.patterns)
        columns = [_FIXED, *masks, *(sql for field in self._fields for sql in field.columns)]
        join = "JOIN t USING (trace_id)" if self._builder.needs_traces else ""
        traces = f"WITH {TRACES} " if self._builder.needs_traces else ""
        self._sql = f"""{traces}SELECT {", ".join(columns)}
            FROM (SELECT unnest($ids::UUID[]) AS trace_id, generate_subscripts($ids::UUID[], 1) AS place) wanted
            JOIN spans s USING (trace_id) JOIN origins o USING (origin_no) {join}"""

    def traces(self, ids: list[uuid.UUID]) -> Iterator[Trace]:
        """The traces in the order of `ids`."""
        nodes: list[dict[tuple[int, int], Node]] = [{} for _ in ids]
        rows = self._builder.execute(self._query.cursor, self._sql, {"ids": ids})
        while part := rows.fetchmany(2000):
            self._query.check_time()
            for row in part:
                nodes[row[0] - 1].setdefault((row[1], row[8]), self._node(row))
        for trace_id, found in zip(ids, nodes, strict=True):
            yield Trace(trace_id.hex, list(found.values()))

    def _node(self, row: tuple[Any, ...]) -> Node:
        middle = _FIXED_COUNT + len(self._slots.conditions)
        values, place = [], middle
        for field in self._fields:
            values.append(field.pick(row[place : place + len(field.columns)]))
            place += len(field.columns)
        return Node(row[_FIXED_COUNT:middle], tuple(values), *row[1:_FIXED_COUNT])


class _Field:
    """One field's columns, one for each type it can have, so that its type survives."""

    def __init__(self, expression: ast.Expression, builder: SqlBuilder) -> None:
        self._words = {"span:status": ast.STATUSES, "span:kind": ast.KINDS}.get(getattr(expression, "name", ""))
        self.columns = typed_columns(expression, builder)

    def pick(self, values: tuple[Any, ...]) -> Any:
        """The value of the first type that has one; of a list its first; a status or kind by its word."""
        found = values[0] if len(values) == 1 else next((value for value in values if value is not None), None)
        if isinstance(found, list):
            found = found[0] if found else None
        return self._words[found] if self._words and found is not None else found


def typed_columns(expression: ast.Expression, builder: SqlBuilder) -> list[str]:
    """SQL of the expression, once for each type; for an attribute in the order in which scopes are looked at."""
    if not isinstance(expression, ast.Attribute):
        return list(builder.operand(expression).values())
    groups = builder.columns_of(expression)
    return [f"{'o' if c.table == 'origins' else 's'}.{c.name}" for columns in groups for c in columns]
