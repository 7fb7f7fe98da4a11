"""An inference that fails: an error span with its exception, and from its trace the log line with the whole stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from lab.clients.telemetry import Span
from tests.system.harness import System

LISTING = "L001999"
BEYOND_FLOAT32 = "1e300"  # finite where it is stored, infinite where the price model reads it


def shows_exception(trace: list[Span]) -> bool:
    return any(span.events for span in trace)


@pytest.fixture(scope="module")
def failed(system: System) -> Iterator[list[Span]]:
    """The trace of a prediction for a listing whose area was corrupted in the feature store."""
    password = (system.place.secrets_dir / "redis_lab").read_text().strip()
    redis = Redis(port=system.place.port("redis"), username="lab", password=password, decode_responses=True)
    key, trace_id = f"listing:{LISTING}", "f" * 31 + "1"
    healthy = redis.hget(key, "area_m2")
    redis.hset(key, "area_m2", BEYOND_FLOAT32)
    try:
        answer = system.ask(listing=LISTING, headers={"traceparent": f"00-{trace_id}-{'e' * 16}-01"})
        assert answer.status_code == 503, "a price that cannot be computed is not made up"
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Traceback" not in answer.text
        yield system.trace(trace_id, until=shows_exception)
    finally:
        redis.hset(key, "area_m2", str(healthy))
        redis.close()


def test_the_inference_is_an_error_span_with_an_exception_event(failed: list[Span]) -> None:
    (span,) = [each for each in failed if each.name == "model_inference" and each.status == "error"]
    assert span.attributes["ml.model.name"] == "price_model"
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes["exception.type"] == "ValueError"
    assert "in predict" in str(event.attributes["exception.stacktrace"])


def test_from_its_trace_the_log_with_the_full_stack_is_found(system: System, failed: list[Span]) -> None:
    def errors() -> list[str]:
        return [line.body for line in system.logs(trace_id=failed[0].trace_id) if line.level == "ERROR"]

    (body,) = system.eventually(errors, "the error is in the log", within=20)
    assert "Traceback (most recent call last)" in body
    assert "services/orchestrator/heads.py" in body
    assert "ValueError: Input X contains infinity" in body


def test_the_error_is_told_once_and_by_the_service_where_it_happened(system: System, failed: list[Span]) -> None:
    lines = [line for line in system.logs(trace_id=failed[0].trace_id) if line.level == "ERROR"]
    assert [line.service for line in lines] == ["orchestrator"]


def test_the_next_prediction_is_complete(system: System, failed: list[Span]) -> None:
    assert system.healthy()
