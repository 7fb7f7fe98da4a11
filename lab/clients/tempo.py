"""Tempo's query API: traces by id, and search. The local store answers the same shapes."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from lab.clients.http import BackendError, accepted, get, get_json
from lab.clients.telemetry import AttributeValue, Event, Link, Sample, Span, Status, TraceSummary

_STATUS: dict[str | int, Status] = {"STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error", 1: "ok", 2: "error"}


class Tempo:
    """A client of one Tempo (or of the store that speaks like it)."""

    def __init__(self, base_url: str, http: httpx.Client) -> None:
        self._base_url = base_url
        self._http = http

    def trace(self, trace_id: str) -> list[Span]:
        """Every span of a trace by start time; an empty list if it is unknown. Raises BackendError for a bad id."""
        response = get(self._http, "Tempo", f"{self._base_url}/api/traces/{quote(trace_id, safe='')}", {})
        if response.status_code == httpx.codes.NOT_FOUND:
            return []
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise BackendError(
                f"{trace_id!r} is no trace id: {response.text.strip()[:200]}",
                "A trace id is up to 32 hexadecimal digits; `faultline traces` lists some.",
                response.status_code,
            )
        return parse_trace(accepted("Tempo", response).json())

    def search(
        self,
        traceql: str = "{ }",
        start_s: float | None = None,
        end_s: float | None = None,
        limit: int = 20,
    ) -> list[TraceSummary]:
        """Traces that a TraceQL query finds between two Unix times, newest first. Raises BackendError."""
        params: dict[str, str | int] = {"q": traceql, "limit": limit}
        if start_s is not None:
            params["start"] = math.floor(start_s)
        if end_s is not None:
            params["end"] = math.ceil(end_s)
        found = map(_summary, self.rows(params))
        return sorted(found, key=lambda summary: summary.start_ns, reverse=True)

    def rows(self, params: Mapping[str, str | int]) -> list[dict[str, Any]]:
        """The traces of a search as Tempo answers them, with the spans that it shows. Raises BackendError."""
        response = accepted("Tempo", get(self._http, "Tempo", f"{self._base_url}/api/search", params))
        found: list[dict[str, Any]] = orjson.loads(response.content).get("traces") or []
        return found

    def query(self, traceql: str, start_s: float, end_s: float) -> list[Sample]:
        """A TraceQL metrics query's one value a series, for the time between two Unix times. Raises BackendError."""
        params: dict[str, str | int] = {"q": traceql, "start": math.floor(start_s), "end": math.ceil(end_s)}
        body = get_json(self._http, "Tempo", f"{self._base_url}/api/metrics/query", params)
        return [_measured(series, end_s) for series in body.get("series") or []]


def trace_query(*, service: str = "", min_duration_s: float = 0.0, errors: bool = False) -> str:
    """TraceQL for traces with a span of a service (or any), at least so long, with an error in that span.

    >>> trace_query(service="cv_model", min_duration_s=0.25)
    '{ resource.service.name = "cv_model" && trace:duration >= 250ms }'
    """
    parts = [f"resource.service.name = {json.dumps(service)}"] if service else []
    if min_duration_s:
        parts.append(f"trace:duration >= {min_duration_s * 1000:.0f}ms")
    if errors:
        parts.append("status = error")
    return f"{{ {' && '.join(parts)} }}" if parts else "{ }"


def parse_trace(body: Mapping[str, Any]) -> list[Span]:
    """Spans of a v1 (``batches``) or v2 (``trace.resourceSpans``) answer, by start time."""
    inner = body.get("trace", body)
    batches = inner.get("batches") or inner.get("resourceSpans") or []
    return sorted((span for batch in batches for span in _batch(batch)), key=lambda span: (span.start_ns, -span.end_ns))


def parse_attributes(rows: list[dict[str, Any]] | None) -> dict[str, AttributeValue]:
    """OTLP's key-value list as a dict."""
    return {row["key"]: _value(row.get("value") or {}) for row in rows or []}


def _batch(batch: Mapping[str, Any]) -> Iterator[Span]:
    resource = parse_attributes((batch.get("resource") or {}).get("attributes"))
    for scope in batch.get("scopeSpans") or []:
        for row in scope.get("spans") or []:
            yield _span(row, resource)


def _span(row: Mapping[str, Any], resource: Mapping[str, AttributeValue]) -> Span:
    status = row.get("status") or {}
    return Span(
        trace_id=_hex_id(row["traceId"], 16),
        span_id=_hex_id(row["spanId"], 8),
        parent_id=_hex_id(row.get("parentSpanId") or "", 8),
        service=str(resource.get("service.name", "")),
        name=row.get("name", ""),
        kind=str(row.get("kind", "")).removeprefix("SPAN_KIND_").lower(),
        start_ns=int(row["startTimeUnixNano"]),
        end_ns=int(row["endTimeUnixNano"]),
        status=_STATUS.get(status.get("code", 0), "unset"),
        status_message=status.get("message", ""),
        attributes=parse_attributes(row.get("attributes")),
        resource=resource,
        events=tuple(_event(event) for event in row.get("events") or []),
        links=tuple(Link(_hex_id(link["traceId"], 16), _hex_id(link["spanId"], 8)) for link in row.get("links") or []),
    )


def _event(row: Mapping[str, Any]) -> Event:
    return Event(int(row.get("timeUnixNano", 0)), row.get("name", ""), parse_attributes(row.get("attributes")))


def _value(value: Mapping[str, Any]) -> AttributeValue:
    if "stringValue" in value:
        return str(value["stringValue"])
    if "intValue" in value:
        return int(value["intValue"])
    if "doubleValue" in value:
        return float(value["doubleValue"])
    if "boolValue" in value:
        return bool(value["boolValue"])
    if "arrayValue" in value:
        return tuple(_value(each) for each in value["arrayValue"].get("values") or [])
    return None


def _hex_id(text: str, size: int) -> str:
    """An id of ``size`` bytes as hex, from base64 (Tempo's JSON) or from hex; no id (empty, all zero) is empty."""
    if not text:
        return ""
    is_hex = len(text) == 2 * size and all(digit in "0123456789abcdefABCDEF" for digit in text)
    raw = bytes.fromhex(text) if is_hex else base64.b64decode(text)
    return raw.rjust(size, b"\0").hex() if any(raw) else ""


def _measured(series: Mapping[str, Any], at_s: float) -> Sample:
    labels = {name: str(value) for name, value in parse_attributes(series.get("labels")).items()}
    return Sample(labels, ((at_s, float(series.get("value", 0))),))


def _summary(row: Mapping[str, Any]) -> TraceSummary:
    stats = row.get("serviceStats") or {}
    return TraceSummary(
        trace_id=row["traceID"].zfill(32),
        root_service=row.get("rootServiceName", ""),
        root_name=row.get("rootTraceName", ""),
        start_ns=int(row.get("startTimeUnixNano", 0)),
        duration_ms=int(row.get("durationMs", 0)),
        spans_by_service={name: int(each.get("spanCount", 0)) for name, each in stats.items()},
        error_spans=sum(int(each.get("errorCount", 0)) for each in stats.values()),
    )
