"""Our own span class and encoding, held against the SDK's and the exporter package's."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as reference
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState

from chassis.clock import Clock
from chassis.encoding import encode_spans
from chassis.telemetry import Telemetry
from chassis.tracing import LONGEST_ATTRIBUTE, MAX_ATTRIBUTES, Span, Tracer, TracerProvider
from tests.unit.signals import Signals

RESOURCE = Resource({"service.name": "x", "service.version": "1"})


@pytest.fixture
def ended() -> list[sdk.ReadableSpan]:
    return []


@pytest.fixture
def provider(ended: list[sdk.ReadableSpan]) -> TracerProvider:
    return TracerProvider(RESOURCE, Clock(), ended.append)


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("test", "1.0")


def remote(flags: int) -> SpanContext:
    return SpanContext(0xABC, 0xDEF, True, TraceFlags(flags), TraceState([("vendor", "1")]))


def test_a_span_has_every_field_that_the_sdk_sets(tracer: Tracer) -> None:
    theirs = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("x")
    ours = tracer.start_span("x")
    assert isinstance(theirs, sdk.Span)
    assert isinstance(ours, Span)
    assert set(vars(theirs)) - set(vars(ours)) == set()


def test_encoding_equals_the_exporter_packages(tracer: Tracer, ended: list[sdk.ReadableSpan]) -> None:
    parent = trace.set_span_in_context(NonRecordingSpan(remote(3)))
    span = tracer.start_span(
        "work",
        parent,
        SpanKind.SERVER,
        {"text": "ä" * 100, "short": "x", "yes": True, "one": 1, "share": 0.5, "list": ["a", "b"], "numbers": (1, 2)},
        [Link(remote(1), {"why": "batch"})],
    )
    span.set_attribute("late", 2)
    span.add_event("seen", {"count": 3}, timestamp=5)
    span.set_status(StatusCode.ERROR, "broken")
    span.end()
    tracer.start_span("plain", kind=SpanKind.CLIENT).end()
    expected = reference(ended)
    for encoded in expected.resource_spans[0].scope_spans[0].spans:
        if not encoded.status.code:
            encoded.ClearField("status")  # an unset status is an empty message there, and nothing here
    assert ExportTraceServiceRequest.FromString(encode_spans(ended, RESOURCE)) == expected


def test_no_text_can_spoil_a_batch(tracer: Tracer, ended: list[sdk.ReadableSpan]) -> None:
    tracer.start_span("work", attributes={"text": "half \ud83d", "huge": 2**70, "none": None}).end()
    (encoded,) = (
        ExportTraceServiceRequest.FromString(encode_spans(ended, RESOURCE)).resource_spans[0].scope_spans[0].spans
    )
    assert {pair.key: pair.value.string_value for pair in encoded.attributes} == {"text": "half ?", "huge": str(2**70)}


def test_attributes_are_bounded(tracer: Tracer) -> None:
    span = tracer.start_span("work", attributes={f"a{number}": number for number in range(MAX_ATTRIBUTES + 5)})
    span.set_attribute("a0", "x" * 10_000)
    assert isinstance(span, Span)
    attributes = span.attributes or {}
    assert len(attributes) == MAX_ATTRIBUTES
    assert attributes["a0"] == "x" * LONGEST_ATTRIBUTE


def test_an_ended_span_does_not_change(tracer: Tracer, ended: list[sdk.ReadableSpan]) -> None:
    span = tracer.start_span("work")
    span.end()
    span.set_attribute("late", 1)
    span.set_status(StatusCode.ERROR)
    span.add_event("late")
    span.end()
    assert len(ended) == 1
    assert not ended[0].attributes
    assert ended[0].status.status_code is StatusCode.UNSET
    assert not ended[0].events


@pytest.mark.parametrize(("flags", "recorded"), [(0, False), (1, True), (2, False), (3, True)])
def test_a_child_follows_its_parents_sampled_flag(
    tracer: Tracer, ended: list[sdk.ReadableSpan], flags: int, recorded: bool
) -> None:
    span = tracer.start_span("work", trace.set_span_in_context(NonRecordingSpan(remote(flags))))
    context = span.get_span_context()
    span.end()
    assert (context.trace_id, context.trace_flags, bool(ended)) == (0xABC, flags, recorded)
    assert context.trace_state["vendor"] == "1"


def test_a_share_of_the_roots_is_recorded(provider: TracerProvider, tracer: Tracer) -> None:
    provider.sample_ratio = 0.5
    flags = [tracer.start_span("root").get_span_context().trace_flags & 1 for _ in range(400)]
    assert 120 < sum(flags) < 280
    provider.sample_ratio = 0.0
    assert not tracer.start_span("root").is_recording()


def test_an_unsampled_request_has_ids_in_logs_and_no_exemplar(telemetry: Telemetry, signals: Signals) -> None:
    telemetry.knobs.set("traces.sampled", 0)
    with telemetry.span("work"):
        telemetry.log.info("served")
        assert telemetry.trace_id() == f"{signals.logs()[0].span.trace_id:032x}"
    assert signals.spans() == []


def test_times_come_from_the_services_clock(telemetry: Telemetry, signals: Signals) -> None:
    telemetry.knobs.set("clock.offset", 3)
    real = Clock()
    with pytest.raises(ValueError, match="x"), telemetry.span("work"):
        raise ValueError("x")
    span, line = signals.span("work"), signals.logs()[0]
    assert span.start_time is not None
    assert span.end_time is not None
    for moment in (span.start_time, span.end_time, span.events[0].timestamp, line.time_ns):
        assert 2.5e9 < moment - real.now_ns() < 3.5e9
    assert span.end_time >= span.events[0].timestamp >= span.start_time


def test_the_span_queue_can_be_made_far_too_small(telemetry: Telemetry, signals: Signals) -> None:
    telemetry.knobs.set("spans.queue", 2)
    for _ in range(5):
        telemetry.start_span("work").end()
    assert len(signals.spans()) == 2
    assert signals.metric("telemetry_dropped_items_total", signal="traces", reason="queue_full") == 3


def test_threads_can_make_spans_at_once(telemetry: Telemetry, signals: Signals) -> None:
    def work(number: int) -> None:
        with telemetry.span("outer"), telemetry.span("inner"):
            telemetry.set("number", number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(400)))
    finally:
        sys.setswitchinterval(interval)
    parents = {span.context.span_id for span in signals.spans("outer")}
    assert len(parents) == len(signals.spans("inner")) == 400
    assert {span.parent.span_id for span in signals.spans("inner") if span.parent} == parents
