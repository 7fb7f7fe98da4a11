"""Fetch a window from Tempo, Loki and Prometheus: their query APIs are the same in every mode."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from lab.clients.backends import Backends
from lab.clients.telemetry import AttributeValue, LogLine, Sample, Span, Status
from lab.diagnosis import names
from lab.diagnosis.window import Period, Window

# A period is read in slices, so that a limit takes from all of it and not from its end alone.
_SLICES = 2
_TRACES_A_SLICE = 900
_SPANS_A_TRACE = 1000
_LINES = 3000
_ERROR_LINES = 1000
_STATUS: dict[str, Status] = {"ok": "ok", "error": "error"}


def collect(
    backends: Backends, since_s: float, baseline_s: float, end_s: float | None = None, gap_s: float = 0.0
) -> Window:
    """The last ``since_s`` seconds up to ``end_s`` (now if None), and ``baseline_s`` seconds before them.

    ``gap_s`` lies between the two. Raises BackendError where no backend answers.
    """
    end = time.time() if end_s is None else end_s
    begin = end - since_s
    return Window(read_period(backends, begin, end), read_period(backends, begin - gap_s - baseline_s, begin - gap_s))


def read_period(backends: Backends, start_s: float, end_s: float) -> Period:
    """Spans, log lines and series of one period."""
    spans = tuple(sorted(read_spans(backends, start_s, end_s), key=lambda span: span.start_ns))
    series = {name: read_series(backends, name, start_s, end_s) for name in names.QUERIES}
    return Period(start_s, end_s, spans, read_lines(backends, start_s, end_s), series)


def read_spans(backends: Backends, start_s: float, end_s: float) -> Iterator[Span]:
    """Spans of up to 1 800 traces, taken evenly from the period; one search a slice brings whole traces."""
    seen: set[str] = set()
    width = (end_s - start_s) / _SLICES
    for index in range(_SLICES):
        first = start_s + index * width
        for row in _search(backends, first, first + width):
            trace_id = row["traceID"].zfill(32)
            if trace_id not in seen:
                seen.add(trace_id)
                yield from spans_of(trace_id, row)


def read_lines(backends: Backends, start_s: float, end_s: float) -> tuple[LogLine, ...]:
    """All warnings and errors up to a bound, and the newest of the rest; each once, oldest first."""
    bad = backends.loki.lines(names.ERROR_LINES_QUERY, start_s, end_s, _ERROR_LINES)
    rest = backends.loki.lines(names.LINES_QUERY, start_s, end_s, _LINES)
    kept = {(line.time_ns, line.service, line.body): line for line in (*bad, *rest)}
    return tuple(sorted(kept.values(), key=lambda line: line.time_ns))


def read_series(backends: Backends, name: str, start_s: float, end_s: float) -> tuple[Sample, ...]:
    """The answer to one question for the period."""
    return tuple(backends.prometheus.query(names.promql(name, end_s - start_s), end_s))


def spans_of(trace_id: str, row: Mapping[str, Any]) -> Iterator[Span]:
    """The spans that a search result shows of one trace."""
    for spanset in row.get("spanSets") or [row.get("spanSet") or {}]:
        for shown in spanset.get("spans") or []:
            yield _span(trace_id, shown)


def _search(backends: Backends, start_s: float, end_s: float) -> list[dict[str, Any]]:
    return backends.tempo.rows(
        {
            "q": names.SPANS_QUERY,
            "start": int(start_s),
            "end": max(int(end_s), int(start_s) + 1),
            "limit": _TRACES_A_SLICE,
            "spss": _SPANS_A_TRACE,
        }
    )


def _span(trace_id: str, shown: Mapping[str, Any]) -> Span:
    values = {row["key"]: _plain(row["value"]) for row in shown.get("attributes") or []}
    start = int(shown["startTimeUnixNano"])
    resource = {key: values.pop(key) for key in (names.INSTANCE, names.VERSION) if key in values}
    return Span(
        trace_id=trace_id,
        span_id=str(shown["spanID"]).zfill(16),
        parent_id=str(values.pop("parentID", None) or ""),
        service=str(values.pop("service.name", None) or ""),
        name=str(shown.get("name", "")),
        kind=str(values.pop("kind", None) or ""),
        start_ns=start,
        end_ns=start + int(shown.get("durationNanos", 0)),
        status=_STATUS.get(str(values.pop("status", None)), "unset"),
        status_message=str(values.pop("statusMessage", None) or ""),
        attributes={key: value for key, value in values.items() if value is not None},
        resource=resource,
    )


def _plain(value: Mapping[str, Any]) -> AttributeValue:
    if "intValue" in value:
        return int(value["intValue"])
    if "doubleValue" in value:
        return float(value["doubleValue"])
    if "boolValue" in value:
        return bool(value["boolValue"])
    return str(value.get("stringValue", ""))
