"""Search results in Tempo's shape."""

from itertools import islice
from typing import Any

from telemetry_store.http import Query
from telemetry_store.ingest.values import format_float
from telemetry_store.traceql import ast
from telemetry_store.traceql.candidates import Window
from telemetry_store.traceql.check import type_of
from telemetry_store.traceql.nodes import NO_ROOT, Node, Trace
from telemetry_store.traceql.pipeline import Slots, Spanset
from telemetry_store.traceql.search import Match, search

Json = dict[str, Any]
# Shown in places of their own, or facts of the trace rather than of a span.
_ELSEWHERE = {
    "span:name",
    "span:duration",
    "span:id",
    "trace:duration",
    "trace:rootName",
    "trace:rootService",
    "trace:id",
}


def find(parsed: ast.TraceQuery, window: Window, limit: int, spans: int, query: Query) -> list[Json]:
    """At most `limit` traces, newest first, with at most `spans` spans of each spanset."""
    slots = Slots.of(parsed)
    named = _named_fields(parsed)
    for expression in named:
        if expression not in slots.fields:
            slots.fields.append(expression)
    # Of a filter alone, and of parent and child, every candidate matches; of anything more, some may not.
    source = parsed.pipeline.source
    is_sure = isinstance(source, ast.Filter) or (isinstance(source, ast.Combined) and source.op in {">", "<"})
    first = limit if is_sure else limit * 2
    matches = list(islice(search(parsed, slots, window, query, first), limit))
    matches.sort(key=lambda match: (-match.trace.start, match.trace.trace_id))
    return [_trace(match, _Shape(parsed, slots, named, spans)) for match in matches]


def _named_fields(parsed: ast.TraceQuery) -> list[ast.Field]:
    """Fields a span is shown with: those of conditions, `by`, `select` and aggregates, in the order of their names."""
    found: dict[ast.Field, None] = {}
    waiting: list[Any] = [parsed.pipeline]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Attribute | ast.Intrinsic):
            found[part] = None
        elif isinstance(part, tuple):
            waiting.extend(part)
        elif hasattr(part, "__dataclass_fields__"):
            waiting.extend(getattr(part, name) for name in part.__dataclass_fields__)
    return sorted(found, key=_shown_name)


class _Shape:
    """How the spans of one query are shown."""

    def __init__(self, parsed: ast.TraceQuery, slots: Slots, named: list[ast.Field], spans: int) -> None:
        self.slots, self.spans = slots, spans
        self.fields = [field for field in named if getattr(field, "name", "") not in _ELSEWHERE]
        self.has_name = any(isinstance(field, ast.Intrinsic) and field.name == "span:name" for field in named)
        self.is_duration = {
            str(stage.aggregate)
            for stage in parsed.pipeline.stages
            if isinstance(stage, ast.ScalarFilter)
            and stage.aggregate.operand
            and type_of(stage.aggregate.operand) == "duration"
        }


def _trace(match: Match, shape: _Shape) -> Json:
    trace, sets = match.trace, [_spanset(spanset, shape) for spanset in match.sets]
    shown = summary(trace) | {"spanSet": sets[0], "spanSets": sets, "serviceStats": _service_stats(trace)}
    return {key: value for key, value in shown.items() if value != 0}


def summary(trace: Trace) -> Json:
    """What every search result says of its trace."""
    root = trace.root
    return {
        "traceID": trace.trace_id.lstrip("0"),
        "rootServiceName": root.service if root else NO_ROOT,
        "rootTraceName": root.name if root else "",
        "startTimeUnixNano": str(trace.start),
        "durationMs": trace.duration // 1_000_000,
    }


def _service_stats(trace: Trace) -> Json:
    stats: dict[str, Json] = {}
    for node in sorted(trace.nodes, key=lambda node: node.service):
        counts = stats.setdefault(node.service, {"spanCount": 0})
        counts["spanCount"] += 1
        if node.status == ast.STATUSES.index("error"):
            counts["errorCount"] = counts.get("errorCount", 0) + 1
    return stats


def _spanset(spanset: Spanset, shape: _Shape) -> Json:
    nodes = sorted(spanset.nodes, key=lambda node: (node.start, node.span_id))
    shown: Json = {"spans": [_span(node, shape) for node in nodes[: shape.spans]], "matched": len(nodes)}
    if spanset.facts:
        shown["attributes"] = [{"key": key, "value": _fact(key, value, shape)} for key, value in spanset.facts]
    return shown


def _fact(key: str, value: Any, shape: _Shape) -> Json:
    return {"stringValue": go_duration(value)} if key in shape.is_duration else typed_json(value)


def _span(node: Node, shape: _Shape) -> Json:
    shown: Json = {"spanID": f"{node.span_id:016x}"}
    if shape.has_name:
        shown["name"] = node.name
    shown |= {"startTimeUnixNano": str(node.start), "durationNanos": str(node.duration)}
    values = [(field, shape.slots.value(node, field)) for field in shape.fields]
    attributes = [{"key": _shown_name(f), "value": typed_json(v)} for f, v in values if v is not None]
    return shown | ({"attributes": attributes} if attributes else {})


def _shown_name(field: ast.Field) -> str:
    if isinstance(field, ast.Attribute):
        return field.name
    return field.name.removeprefix("span:")


def typed_json(value: Any) -> Json:
    """A Python value as OTLP's JSON writes an attribute's."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": "nil" if value is None else str(value)}


def go_duration(nanoseconds: float) -> str:
    """A duration as Go prints it: 154.2ms, 1.5s, 1m0s."""
    whole = int(nanoseconds)
    sign, whole = ("-", -whole) if whole < 0 else ("", whole)
    for unit, size in (("ns", 1), ("µs", 1000), ("ms", 1_000_000)):
        if whole < size * 1000:
            return f"{sign}{format_float(whole / size)}{unit}"
    hours, rest = divmod(whole, 3_600_000_000_000)
    minutes, rest = divmod(rest, 60_000_000_000)
    seconds = f"{format_float(rest / 1e9)}s"
    parts = f"{hours}h{minutes}m" if hours else (f"{minutes}m" if minutes else "")
    return f"{sign}{parts}{seconds}"
