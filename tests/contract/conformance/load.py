"""The data set into a backend by OTLP."""

from itertools import groupby

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.contract.conformance.world import L, S, World
from tests.unit.telemetry_store.otlp import any_value, attributes

PROTOBUF = {"content-type": "application/x-protobuf"}
_SEVERITY = {"INFO": 9, "WARN": 13, "ERROR": 17}
_STATUS = {"unset": Status.STATUS_CODE_UNSET, "ok": Status.STATUS_CODE_OK, "error": Status.STATUS_CODE_ERROR}


def load_traces(world: World, otlp: str) -> None:
    """POST every span to `otlp`/v1/traces, 20 traces a request."""
    for first in range(0, max(span.trace for span in world.spans), 20):
        request = ExportTraceServiceRequest()
        part = [span for span in world.spans if first < span.trace <= first + 20]
        for _, group in groupby(sorted(part, key=lambda span: span.service), key=lambda span: span.service):
            spans = list(group)
            resource = request.resource_spans.add()
            resource.resource.attributes.extend(attributes(spans[0].resource))
            scope = resource.scope_spans.add()
            scope.scope.name = "case"
            scope.spans.extend(_span(span) for span in spans)
        answer = httpx.post(f"{otlp}/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
        answer.raise_for_status()


def _span(span: S) -> Span:
    found = Span(
        trace_id=span.trace.to_bytes(16), span_id=span.number.to_bytes(8), name=span.name,
        parent_span_id=span.parent.number.to_bytes(8) if span.parent else b"",
        kind=Span.SpanKind.Value(f"SPAN_KIND_{span.kind.upper()}"), start_time_unix_nano=span.start,
        end_time_unix_nano=span.start + span.duration, attributes=attributes(span.attrs),
        status=Status(code=_STATUS[span.status], message=span.message),
    )  # fmt: skip
    if span.event:
        found.events.add(
            name=span.event[0], time_unix_nano=span.start + 1_000_000, attributes=attributes(span.event[1])
        )
    return found


def load_lines(world: World, url: str) -> None:
    """POST every line to `url`."""
    request = ExportLogsServiceRequest()
    for service in sorted({line.service for line in world.lines}):
        group = request.resource_logs.add()
        lines = [line for line in world.lines if line.service == service]
        named = {"service.name": service, "service.namespace": "marketplace", "service.instance.id": f"{service}-0"}
        group.resource.attributes.extend(attributes(named | {"deployment.environment.name": "test"}))
        group.scope_logs.add().log_records.extend(_record(line) for line in lines)
    httpx.post(url, content=request.SerializeToString(), headers=PROTOBUF).raise_for_status()


def _record(line: L) -> LogRecord:
    return LogRecord(
        time_unix_nano=line.time, body=any_value(line.body), severity_text=line.severity,
        severity_number=_SEVERITY[line.severity], attributes=attributes(line.attrs),
        trace_id=line.span.trace.to_bytes(16), span_id=line.span.number.to_bytes(8),
    )  # fmt: skip
