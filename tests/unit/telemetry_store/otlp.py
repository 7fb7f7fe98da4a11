"""OTLP messages in a line each, and sending them."""

import gzip
import itertools
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.unit.telemetry_store.process import http

MS = 1_000_000
PROTOBUF = "application/x-protobuf"
_numbers = itertools.count(1)


def any_value(value: Any) -> AnyValue:
    """A Python value as OTLP's."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(part) for part in value]))
    return AnyValue(string_value=value)


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes from a dictionary."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def make_span(
    name: str = "work", trace_id: bytes | None = None, span_id: bytes | None = None, parent: bytes = b"",
    ms: float = 1.0, start: int | None = None, kind: int = Span.SPAN_KIND_INTERNAL, error: bool = False, **more: Any,
) -> Span:  # fmt: skip
    """A span; `more` are its attributes, with underscores for dots."""
    start = time.time_ns() if start is None else start
    span = Span(
        trace_id=trace_id or os.urandom(16), span_id=span_id or next(_numbers).to_bytes(8), parent_span_id=parent,
        name=name, kind=kind, start_time_unix_nano=start, end_time_unix_nano=start + int(ms * MS),
        attributes=attributes({key.replace("_", "."): value for key, value in more.items()}),
    )  # fmt: skip
    if error:
        span.status.code = Status.STATUS_CODE_ERROR
    return span


def trace_request(spans: Iterable[Span], service: str = "gateway", **resource: Any) -> ExportTraceServiceRequest:
    """One service's spans as a request."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    named = {"service.name": service} | {key.replace("_", "."): value for key, value in resource.items()}
    group.resource.attributes.extend(attributes(named))
    group.scope_spans.add().spans.extend(spans)
    return request


def log_request(records: Iterable[LogRecord], service: str = "gateway") -> ExportLogsServiceRequest:
    """One service's log records as a request."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes({"service.name": service, "service.namespace": "marketplace"}))
    group.scope_logs.add().log_records.extend(records)
    return request


def make_record(body: str, **more: Any) -> LogRecord:
    """A log record stamped now; `more` are its attributes, with underscores for dots."""
    named = {key.replace("_", "."): value for key, value in more.items()}
    return LogRecord(time_unix_nano=time.time_ns(), body=any_value(body), attributes=attributes(named))


def send(url: str, signal: str, message: Message, compress: bool = False) -> httpx.Response:
    """POST a request to the receiver at `url`."""
    body = message.SerializeToString()
    headers = {"content-type": PROTOBUF} | ({"content-encoding": "gzip"} if compress else {})
    return http().post(f"{url}/v1/{signal}", content=gzip.compress(body) if compress else body, headers=headers)
