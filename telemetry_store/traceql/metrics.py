"""Metrics queries: spans counted, or a field of theirs summed up, by interval and label values."""

import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from telemetry_store.errors import QueryError
from telemetry_store.http import Query
from telemetry_store.storage.patterns import check_patterns
from telemetry_store.traceql import ast
from telemetry_store.traceql.buckets import HIGHEST, bucket_of, quantile
from telemetry_store.traceql.candidates import Window
from telemetry_store.traceql.fetch import typed_columns
from telemetry_store.traceql.pipeline import Slots
from telemetry_store.traceql.search import search
from telemetry_store.traceql.sql import TRACES, SqlBuilder

MOST_INTERVALS, MOST_SERIES = 11_000, 1000
_FACTORS = {"span:duration": 1e-9, "trace:duration": 1e-9, "event:timeSinceStart": 1e-9}  # ns shown as seconds


@dataclass(frozen=True)
class Intervals:
    """Intervals (t - step, t], each named by its end t; all in nanoseconds. ``after`` is never before ``first``."""

    first: int
    last: int
    step: int
    after: int  # only spans that start later than this count

    @property
    def ends(self) -> range:
        """Every interval's end."""
        return range(self.first, self.last + 1, self.step)


@dataclass
class Cell:
    """What is known of one series in one interval."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")
    buckets: dict[int, int] = field(default_factory=dict)
    slowest: uuid.UUID | None = None

    def add(self, count: int, total: float, least: float, most: float, bucket: int, trace_id: uuid.UUID) -> None:
        """Take in `count` values of one bucket."""
        if most > self.most:
            self.slowest = trace_id
        self.count += count
        self.total += total
        self.least, self.most = min(self.least, least), max(self.most, most)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + count


Key = tuple[Any, ...]  # the values of `by`
Table = dict[Key, dict[int, Cell]]  # cells by series and interval's end


def measure(parsed: ast.TraceQuery, metric: ast.Metric, intervals: Intervals, query: Query) -> Table:
    """The cells that hold any span; raises QueryError where there are too many series or intervals."""
    if (intervals.last - intervals.first) // intervals.step >= MOST_INTERVALS:
        raise QueryError("too many intervals: ask for a shorter time or a longer step")
    if intervals.last + intervals.step >= 2**63:
        raise QueryError("the step does not fit into 64 bits of nanoseconds: ask for a shorter one")
    simple = isinstance(parsed.pipeline.source, ast.Filter) and not parsed.pipeline.stages
    rows = _from_sql(parsed, metric, intervals, query) if simple else _from_search(parsed, metric, intervals, query)
    table: Table = {}
    for end, key, *values in rows:
        table.setdefault(key, {}).setdefault(end, Cell()).add(*values)
        if len(table) > MOST_SERIES:
            raise QueryError(f"too many series: more than {MOST_SERIES}")
    return table


Row = tuple[Any, ...]  # (interval's end, key, count, total, least, most, bucket, trace id)


def _from_sql(parsed: ast.TraceQuery, metric: ast.Metric, intervals: Intervals, query: Query) -> Iterator[Row]:
    """Filters alone: DuckDB counts."""
    source = parsed.pipeline.source
    assert isinstance(source, ast.Filter)
    builder = SqlBuilder(query.database.columns)
    where = builder.condition(source.condition)
    value = builder.operand(metric.operand).get("n", "NULL") if metric.operand else "1"
    by = [typed_columns(expression, builder) for expression in metric.by]
    check_patterns(query.cursor, builder.patterns)
    flat = [f"{column} AS k{number}" for number, column in enumerate(column for group in by for column in group)]
    names = "".join(f", k{number}" for number in range(len(flat)))
    first, step = builder.value(intervals.first), builder.value(intervals.step)
    traces = f"WITH {TRACES} " if builder.needs_traces else ""
    join = "JOIN t USING (trace_id)" if builder.needs_traces else ""
    value = f"list_min({value})" if _is_list(metric, query) else value
    sql = f"""{traces}SELECT i, sum(1), sum(v), min(v), max(v), b, arg_max(id, v){names} FROM (
        SELECT (s.start - {first} - 1) // {step} + 1 AS i, ({value})::DOUBLE AS v, s.trace_id AS id,
            CASE WHEN v >= 1 AND isfinite(v) THEN least({HIGHEST}, ceil(log2(v)))::INTEGER ELSE -1 END AS b
            {"".join(", " + column for column in flat)}
        FROM spans s JOIN origins o USING (origin_no) {join}
        WHERE {where} AND s.start > {builder.value(intervals.after)} AND s.start <= {builder.value(intervals.last)})
        WHERE isfinite(v) GROUP BY i, b{names}"""
    for i, count, total, least, most, bucket, trace_id, *columns in builder.execute(query.cursor, sql).fetchall():
        end = intervals.first + i * intervals.step
        yield end, _key(metric.by, by, columns), int(count), total, least, most, bucket, trace_id


def _is_list(metric: ast.Metric, query: Query) -> bool:
    """Whether the field is one of events, of which a span may have several: its least value counts."""
    return isinstance(metric.operand, ast.Intrinsic) and metric.operand.name.startswith("event:")


def _key(expressions: tuple[ast.Expression, ...], groups: list[list[str]], columns: list[Any]) -> Key:
    """One value for each expression of `by`: the first of its columns that is not empty."""
    values, place = [], 0
    for expression, group in zip(expressions, groups, strict=True):
        part = columns[place : place + len(group)]
        place += len(group)
        values.append(word(expression, next((value for value in part if value is not None), None)))
    return tuple(values)


def word(expression: ast.Expression, value: Any) -> Any:
    """A status or kind by its word, of a list its first value, anything else as it is."""
    words = {"span:status": ast.STATUSES, "span:kind": ast.KINDS}.get(getattr(expression, "name", ""))
    if isinstance(value, list):
        value = value[0] if value else None
    return words[value] if words and value is not None else value


def _from_search(parsed: ast.TraceQuery, metric: ast.Metric, intervals: Intervals, query: Query) -> Iterator[Row]:
    """Structure or stages: every matching trace's spans are counted in memory."""
    slots = Slots.of(parsed)
    window = Window(intervals.after, intervals.last)
    for match in search(parsed, slots, window, query, first=5000):
        for node in {node for spanset in match.sets for node in spanset.nodes}:
            i = -(-(node.start - intervals.first) // intervals.step)
            value = slots.value(node, metric.operand) if metric.operand else 1
            if not intervals.after < node.start <= intervals.last or not _is_finite(value):
                continue
            key = tuple(slots.value(node, expression) for expression in metric.by)
            end, number = intervals.first + i * intervals.step, float(value)
            yield end, key, 1, number, number, number, bucket_of(number), uuid.UUID(hex=match.trace.trace_id)


def _is_finite(value: Any) -> bool:
    """Whether it is a number that can be counted with; infinity and NaN are left out, as what is no number is."""
    return isinstance(value, int | float) and math.isfinite(value)


def factor(metric: ast.Metric) -> float:
    """What a value of the metric's field is multiplied with to be shown: durations are shown in seconds."""
    return _FACTORS.get(getattr(metric.operand, "name", ""), 1.0)


def value_of(metric: ast.Metric, cell: Cell | None, seconds: float, p: float | None = None) -> float:
    """The metric's value in a cell of an interval of `seconds`; 0 where there is no span."""
    if cell is None:
        return 0.0
    if p is not None:
        return quantile(p, cell.buckets) * factor(metric)
    shown = {
        "rate": cell.count / seconds,
        "count_over_time": float(cell.count),
        "sum_over_time": cell.total * factor(metric),
        "avg_over_time": cell.total / cell.count * factor(metric),
        "min_over_time": cell.least * factor(metric),
        "max_over_time": cell.most * factor(metric),
    }
    return shown[metric.name]
