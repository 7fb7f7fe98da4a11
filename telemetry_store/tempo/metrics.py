"""GET /api/metrics/query_range and /api/metrics/query."""

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from telemetry_store.errors import QueryError
from telemetry_store.http import Query, json_answer
from telemetry_store.tempo import parameters
from telemetry_store.traceql import ast
from telemetry_store.traceql.metrics import Cell, Intervals, Key, factor, measure, value_of
from telemetry_store.traceql.parse import parse
from telemetry_store.traceql.shown import go_duration, typed_json

Json = dict[str, Any]
HOUR = 3_600_000_000_000
MOST_EXEMPLARS = 100
_DONE = {"inspectedBytes": "0", "completedJobs": 1, "totalJobs": 1}


def query_range(query: Query, request: Request) -> Response:
    """Series with a value for each interval, named by its end."""
    parsed, metric, start, end = _read(request)
    step = parameters.duration(request, "step", None) or _default_step(end - start)
    # Tempo's grid: multiples of the step, from the one at or before the start to the one at or after the end.
    first = start // step * step
    intervals = Intervals(first, -(-end // step) * step, step, first)
    table = measure(parsed, metric, intervals, query)
    series = [
        {
            "labels": labels,
            "samples": [_sample(t, value_of(metric, cells.get(t), step / 1e9, p)) for t in intervals.ends],
        }
        | _exemplars(metric, cells, p)
        for labels, cells, p in _series(metric, table)
    ]
    return json_answer({"series": series, "metrics": _DONE})


def query_instant(query: Query, request: Request) -> Response:
    """Series with one value for the whole time."""
    parsed, metric, start, end = _read(request)
    table = measure(parsed, metric, Intervals(start, end, end - start, start), query)
    series = [
        {"labels": labels, "value": value_of(metric, cells.get(end), (end - start) / 1e9, p)}
        for labels, cells, p in _series(metric, table)
    ]
    return json_answer({"series": series, "metrics": _DONE})


def _read(request: Request) -> tuple[ast.TraceQuery, ast.Metric, int, int]:
    parsed = parse(request.query_params.get("q", "") or request.query_params.get("query", ""))
    if parsed.metric is None:
        raise QueryError(
            "invalid TraceQL query: a metrics query ends with rate(), count_over_time() or another of its kind"
        )
    end = parameters.moment_ns(request, "end") or parameters.now_ns()
    start = parameters.moment_ns(request, "start")
    if start is None:
        start = max(end - (parameters.duration(request, "since", HOUR) or HOUR), 0)  # no span is older than 1970
    if start >= end:
        raise QueryError(f"http parameter start must be before end. received start={start} end={end}")
    return parsed, parsed.metric, start, end


def _default_step(span: int) -> int:
    """About 60 intervals, in whole seconds."""
    return max(1, span // 60 // 10**9) * 10**9


def _series(
    metric: ast.Metric, table: dict[Key, dict[int, Cell]]
) -> Iterator[tuple[list[Json], dict[int, Cell], float | None]]:
    """(labels, cells, quantile) of each series, in the order of their labels."""
    for key, cells in sorted(table.items(), key=lambda item: tuple(map(str, item[0]))):
        labels = _labels(metric, key)
        for p in metric.quantiles:
            yield [*labels, {"key": "p", "value": {"doubleValue": p}}], cells, p
        if not metric.quantiles:
            yield labels or [{"key": "__name__", "value": {"stringValue": metric.name}}], cells, None


def _labels(metric: ast.Metric, key: Key) -> list[Json]:
    """The values that are there; where none is and no quantile stands beside it, the first, as nil."""
    named = list(zip(map(str, metric.by), key, strict=True))
    shown = [(name, value) for name, value in named if value is not None] or named[: not metric.quantiles]
    return [{"key": name, "value": typed_json(value)} for name, value in shown]


def _sample(end: int, value: float) -> Json:
    """protobuf's JSON: a value of zero is left out."""
    return {"timestampMs": str(end // 1_000_000)} | ({"value": value} if value else {})


def _exemplars(metric: ast.Metric, cells: dict[int, Cell], p: float | None) -> Json:
    """The slowest trace of each interval, with the highest quantile: where one would look first."""
    if p is None or p != max(metric.quantiles):
        return {}
    found = [
        {
            "labels": [
                {"key": "trace:id", "value": {"stringValue": cell.slowest.hex.lstrip("0")}},
                {"key": str(metric.operand), "value": {"stringValue": _shown(metric, cell)}},
            ],
            "value": cell.most * factor(metric),
            "timestampMs": str(end // 1_000_000),
        }
        for end, cell in sorted(cells.items())
        if cell.slowest
    ]
    return {"exemplars": found[-MOST_EXEMPLARS:]}


def _shown(metric: ast.Metric, cell: Cell) -> str:
    return go_duration(cell.most) if factor(metric) != 1.0 else str(cell.most)
