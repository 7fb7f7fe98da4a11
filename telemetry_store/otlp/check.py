"""Items the store cannot keep are taken out of a request and named in the partial success."""

from collections.abc import Callable
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_LATEST = 2**63 - 1  # times are kept as signed 64-bit nanoseconds
_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)


def _bad_span(span: Span) -> str | None:
    if len(span.trace_id) != 16 or span.trace_id == _ZERO_TRACE:
        return "a trace id has to be 16 bytes, not all zero"
    if len(span.span_id) != 8 or span.span_id == _ZERO_SPAN:
        return "a span id has to be 8 bytes, not all zero"
    if len(span.parent_span_id) not in (0, 8):
        return "a parent span id has to be 8 bytes or empty"
    if span.end_time_unix_nano > _LATEST or span.start_time_unix_nano > _LATEST:
        return "a time is past the year 2262"
    if not 0 <= span.kind <= 5 or not 0 <= span.status.code <= 2:
        return "unknown span kind or status code"
    if any(event.time_unix_nano > _LATEST for event in span.events):
        return "an event's time is past the year 2262"
    return None


def _bad_record(record: LogRecord) -> str | None:
    if record.time_unix_nano > _LATEST or record.observed_time_unix_nano > _LATEST:
        return "a time is past the year 2262"
    return None


def take_out_bad_spans(request: ExportTraceServiceRequest) -> tuple[int, int, str]:
    """(left, taken out, reason of the first) after removing spans that cannot be kept."""
    return _sift((scope.spans for group in request.resource_spans for scope in group.scope_spans), _bad_span)


def take_out_bad_records(request: ExportLogsServiceRequest) -> tuple[int, int, str]:
    """(left, taken out, reason of the first) after removing log records that cannot be kept."""
    return _sift((scope.log_records for group in request.resource_logs for scope in group.scope_logs), _bad_record)


def _sift(lists: Any, fault: Callable[[Any], str | None]) -> tuple[int, int, str]:
    left, reasons = 0, []
    for items in lists:
        bad = [(number, reason) for number, item in enumerate(items) if (reason := fault(item))]
        for number, _ in reversed(bad):
            del items[number]
        reasons += [reason for _, reason in bad]
        left += len(items)
    return left, len(reasons), reasons[0] if reasons else ""
