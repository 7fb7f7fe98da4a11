"""A log query: the newest (or oldest) lines that pass."""

from collections.abc import Iterator
from typing import Any

import orjson

from telemetry_store.http import Query
from telemetry_store.logql import ast
from telemetry_store.logql.select import LineSelect
from telemetry_store.logql.stages import Line, apply

BLOCK = 1000  # lines looked at first where Python has stages to run; then ever more


def find_lines(parsed: ast.LogQuery, start: int, end: int, limit: int, forward: bool, query: Query) -> list[Line]:
    """At most `limit` lines with start <= time < end, in order."""
    plan = LineSelect.of(parsed, query.database.streams, query.cursor).between(start, end, "[)")
    found: list[Line] = []
    if not plan.streams:
        return found
    for lines in _blocks(plan, limit if not plan.stages else max(BLOCK, limit), forward, query):
        found += apply(plan.stages, lines, query.cursor)
        if len(found) >= limit:
            break
    return found[:limit]


def _blocks(plan: LineSelect, size: int, forward: bool, query: Query) -> Iterator[list[Line]]:
    order = "time, rowid" if forward else "time DESC, rowid DESC"
    offset = 0
    while True:
        query.check_time()
        sql = f"SELECT time, body, stream_no, metadata FROM lines WHERE {plan.where} ORDER BY {order}"
        rows = query.cursor.execute(f"{sql} LIMIT {size} OFFSET {offset}", plan.parameters).fetchall()
        yield [as_line(row, plan) for row in rows]
        if len(rows) < size:
            return
        offset, size = offset + size, min(size * 4, 32_000)


def as_line(row: tuple[Any, ...], plan: LineSelect) -> Line:
    """A row (time, body, stream_no, metadata) as a line with all its labels."""
    time, body, stream_no, metadata = row
    stream = plan.streams[stream_no]
    return Line(time, body, stream, orjson.loads(metadata) | stream)
