"""What a block of code leaves behind: spans, failures, context, exemplars."""

from __future__ import annotations

import asyncio
import json
import logging
import threading

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, StatusCode

from chassis import semconv
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from tests.unit.chassis.collector import Collector, collecting
from tests.unit.signals import Signals, parent_id, span_id, trace_id

WAIT = semconv.Metric("wait_seconds", "histogram", "s", "Waiting.", ("peer",), buckets=semconv.FINE_BUCKETS)


def events(span: ReadableSpan) -> list[str]:
    return [event.name for event in span.events]


def test_blocks_nest(telemetry: Telemetry, signals: Signals) -> None:
    with telemetry.span("outer"), telemetry.span("inner", {semconv.FEATURE_COUNT: 12}):
        telemetry.set(semconv.CACHE_HIT, True)
    inner, outer = signals.spans()
    assert (inner.name, outer.name) == ("inner", "outer")
    assert parent_id(inner) == span_id(outer)
    assert dict(inner.attributes or {}) == {semconv.FEATURE_COUNT: 12, semconv.CACHE_HIT: True}
    assert inner.instrumentation_scope is not None
    assert telemetry.trace_id() == ""


def test_resource_names_the_instance(settings: Settings) -> None:
    telemetry = Telemetry("gateway", settings.model_copy(update={"instance": "gateway-7"}))
    with telemetry.span("work"):
        pass
    resource = Signals(telemetry).span("work").resource.attributes
    assert resource["service.name"] == "gateway"
    assert resource["service.namespace"] == "marketplace"
    assert resource["service.version"] == settings.version
    assert resource["service.instance.id"] == "gateway-7"
    assert resource["deployment.environment.name"] == "test"


def test_no_provider_becomes_global(telemetry: Telemetry) -> None:
    assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"


def test_a_failure_has_one_event_one_line_and_a_status_on_every_span(telemetry: Telemetry, signals: Signals) -> None:
    model = {semconv.ML_MODEL_NAME: "cv_model", semconv.ML_MODEL_VERSION: "v2"}
    with pytest.raises(ValueError, match="broken"), telemetry.span("fan_out"), telemetry.span("model_inference", model):
        raise ValueError("broken photo")
    inner, outer = signals.spans()
    assert (events(inner), events(outer)) == (["exception"], [])
    assert inner.status.status_code is outer.status.status_code is StatusCode.ERROR
    assert inner.status.description == "ValueError: broken photo"
    details = dict(inner.events[0].attributes or {})
    assert details["exception.type"] == "ValueError"
    assert "raise ValueError" in str(details["exception.stacktrace"])
    (line,) = signals.logs("ERROR")
    assert f"{line.span.span_id:016x}" == span_id(inner)
    assert line.fields["exception_type"] == "ValueError"
    assert line.fields["exception_message"] == "broken photo"
    assert (line.fields["model_name"], line.fields["model_version"]) == ("cv_model", "v2")
    assert "raise ValueError" in line.stack


def test_a_failure_with_a_cause_shows_both(telemetry: Telemetry, signals: Signals) -> None:
    def fail() -> None:
        try:
            raise ConnectionError("refused")
        except ConnectionError as error:
            raise RuntimeError("no features") from error

    with pytest.raises(RuntimeError), telemetry.span("feature_lookup"):
        fail()
    assert "ConnectionError: refused" in signals.logs("ERROR")[0].stack


def test_an_expected_answer_is_no_failure(telemetry: Telemetry, signals: Signals) -> None:
    class Refused(Exception):
        expected = True

    with pytest.raises(Refused), telemetry.span("authenticate"):
        raise Refused
    span = signals.span("authenticate")
    assert span.status.status_code is StatusCode.UNSET
    assert "Refused" in str((span.attributes or {})["error.type"])
    assert signals.logs() == []


def test_a_block_may_keep_its_failure_out_of_the_log(telemetry: Telemetry, signals: Signals) -> None:
    with pytest.raises(ValueError, match="x"), telemetry.span("outer"), telemetry.span("inner", log_errors=False):
        raise ValueError("x")
    assert events(signals.span("inner")) == ["exception"]
    assert signals.logs() == []


def test_a_cancellation_is_a_status_and_no_line(telemetry: Telemetry, signals: Signals) -> None:
    async def cancelled() -> None:
        async def work() -> None:
            with telemetry.span("preprocess"):
                await asyncio.sleep(10)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    span = signals.span("preprocess")
    assert span.status.description == "cancelled"
    assert (events(span), signals.logs()) == ([], [])


def test_fail_marks_a_span_that_is_ended_by_hand(telemetry: Telemetry, signals: Signals) -> None:
    span = telemetry.start_span("batch_wait")
    telemetry.fail(span, TimeoutError("too late"))
    span.end()
    assert signals.span("batch_wait").status.status_code is StatusCode.ERROR
    assert f"{signals.logs('ERROR')[0].span.span_id:016x}" == span_id(signals.span("batch_wait"))


def test_a_frozen_exception_can_fail_too(telemetry: Telemetry, signals: Signals) -> None:
    class Frozen(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    with pytest.raises(Frozen), telemetry.span("outer"), telemetry.span("inner"):
        raise Frozen
    assert len(signals.logs("ERROR")) == 1


def test_context_is_carried_into_a_thread(telemetry: Telemetry, signals: Signals) -> None:
    def work(context: object) -> None:
        token = telemetry.attach(context)  # type: ignore[arg-type]
        with telemetry.span("in thread"):
            pass
        telemetry.detach(token)

    with telemetry.span("outside"):
        thread = threading.Thread(target=work, args=(telemetry.current_context(),))
        thread.start()
        thread.join(5)
    assert parent_id(signals.span("in thread")) == span_id(signals.span("outside"))


def test_a_thread_without_context_begins_a_trace_of_its_own(telemetry: Telemetry, signals: Signals) -> None:
    with telemetry.span("outside"):
        thread = threading.Thread(target=lambda: telemetry.start_span("model_inference").end())
        thread.start()
        thread.join(5)
    assert parent_id(signals.span("model_inference")) == ""
    assert trace_id(signals.span("model_inference")) != trace_id(signals.span("outside"))


def test_links_and_start_time_are_kept(telemetry: Telemetry, signals: Signals) -> None:
    other = telemetry.start_span("other")
    with telemetry.span("batch", links=[Link(other.get_span_context())], start_time=1_000):
        pass
    span = signals.span("batch")
    assert span.links[0].context.span_id == other.get_span_context().span_id
    assert span.start_time == 1_000


def test_baggage_is_bounded_and_ends_with_its_block(telemetry: Telemetry) -> None:
    with telemetry.baggage({"session.id": "s" * 500, "experiment": ""}):
        assert telemetry.get_baggage("session.id") == "s" * 128
        headers: dict[str, str] = {}
        propagate.inject(headers)
        assert headers["baggage"].startswith("session.id=sss")
        assert "experiment" not in headers["baggage"]
    assert telemetry.get_baggage("session.id") == ""


def test_a_propagator_in_the_environment_changes_nothing(settings: Settings) -> None:
    propagate.set_global_textmap(propagate.composite.CompositePropagator([]))
    telemetry = Telemetry("service_under_test", settings)
    headers: dict[str, str] = {}
    with telemetry.span("work"):
        propagate.inject(headers)
        assert headers["traceparent"].split("-")[1] == telemetry.trace_id()


def test_an_exemplar_names_the_current_or_the_given_span(telemetry: Telemetry) -> None:
    item = telemetry.start_span("batch_wait")
    with telemetry.span("work"):
        here = telemetry.trace_id()
        telemetry.observe(WAIT, 0.002, peer="a")
        telemetry.observe(WAIT, 0.2, exemplar_span=item, peer="a")
    telemetry.observe(WAIT, 0.02, peer="a")  # outside every trace
    exemplars = {
        sample.labels["le"]: sample.exemplar.labels["trace_id"]
        for family in telemetry.metrics.registry.collect()
        if family.name == WAIT.name
        for sample in family.samples
        if sample.exemplar
    }
    assert exemplars == {"0.0025": here, "0.25": f"{item.get_span_context().trace_id:032x}"}


def test_with_telemetry_off_metrics_and_stdout_remain(settings: Settings) -> None:
    telemetry = Telemetry("service_under_test", settings.model_copy(update={"telemetry": False}))
    lines: list[bytes] = []
    telemetry.logs._write = lines.append
    with pytest.raises(ValueError, match="x"), telemetry.span("work"):
        raise ValueError("x")
    telemetry.count(semconv.PREDICTIONS, outcome="complete")
    telemetry.observe(semconv.PREDICTION_DURATION, 0.03, outcome="complete")
    assert not telemetry.start_span("work").is_recording()
    assert telemetry.fastapi_config()["tracing"] is False
    assert json.loads(lines[0])["exception_type"] == "ValueError"
    assert Signals(telemetry).metric("predictions_total", outcome="complete") == 1
    assert telemetry.flush(0.1)
    telemetry.shutdown(0.1)


def test_start_sends_everything_and_shutdown_flushes(settings: Settings) -> None:
    with collecting(Collector()) as collector:
        telemetry = Telemetry("cv_model", settings.model_copy(update={"otlp_endpoint": collector.url + "/"}))
        lines: list[bytes] = []
        telemetry.logs._write = lines.append
        telemetry.start()
        with telemetry.span("model_inference"):
            telemetry.log.info("scored")
            logging.getLogger("transformers.modeling").warning("a library speaks")
            telemetry.observe(semconv.MODEL_INFERENCE_DURATION, 0.01, model_name="cv_model", model_version="v1")
        telemetry.shutdown(3)
        assert [span.name for span in collector.spans()] == ["model_inference"]
        assert [record.body.string_value for record in collector.logs()] == ["scored", "a library speaks"]
        assert {record.trace_id for record in collector.logs()} == {collector.spans()[0].trace_id}
        assert "ml.inference.duration" in collector.metrics()
        assert not [handler for handler in logging.getLogger().handlers if "capture" in type(handler).__module__]
