"""SIGKILL of each service in turn: it comes back by itself, the gateway answers throughout, nobody else restarts."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from services import topology
from tests.system.harness import System

BACK_WITHIN_S = 15
PART = {"feature_store": "features", "nlp_model": "text", "cv_model": "photo"}


@pytest.fixture(autouse=True)
def healthy(system: System) -> Iterator[None]:
    """Each test finds and leaves the system whole."""
    system.eventually_healthy()
    yield
    system.eventually_healthy()


def kill_and_ask(system: System, service: str) -> tuple[list[httpx.Response], float]:
    """Kill the service and ask for predictions until it is ready; the answers, and how long that took in seconds."""
    killed = system.kill(service)
    began, answers = time.monotonic(), []

    def back() -> bool:
        answers.append(system.ask())
        row = system.programs()[service]
        return row.ready and row.pid not in (0, killed)

    system.eventually(back, f"{service} is back", within=BACK_WITHIN_S)
    return answers, time.monotonic() - began


def others(system: System, service: str) -> dict[str, int]:
    return {name: pid for name, pid in system.pids().items() if name != service}


@pytest.mark.parametrize("service", PART)
def test_without_one_of_its_sources_the_answer_is_degraded_and_says_so(system: System, service: str) -> None:
    before = others(system, service)
    answers, seconds = kill_and_ask(system, service)
    assert seconds < BACK_WITHIN_S
    assert {answer.status_code for answer in answers} == {200}
    missing = {part for answer in answers for part in answer.json()["missing"]}
    assert missing == {PART[service]}
    assert others(system, service) == before


def test_a_degraded_answer_is_logged_and_marked_in_its_trace(system: System) -> None:
    answers, _ = kill_and_ask(system, "nlp_model")
    degraded = next(answer.json() for answer in answers if answer.json()["degraded"])
    assert degraded["text_score"] is None
    assert degraded["price"]["value"] > 0
    trace_id = degraded["trace_id"]

    def fused() -> bool:
        spans = [span for span in system.spans_now(trace_id) if span.name == "fuse_prediction"]
        return [(span.attributes["prediction.degraded"], span.attributes["prediction.missing"]) for span in spans] == [
            (True, ("text",))
        ]

    system.eventually(fused, "the trace says what is missing", within=20)
    bodies = {line.body for line in system.logs(trace_id=trace_id) if line.level == "WARNING"}
    assert "prediction degraded" in bodies


def test_without_the_orchestrator_the_gateway_says_when_to_ask_again(system: System) -> None:
    before = others(system, "orchestrator")
    answers, seconds = kill_and_ask(system, "orchestrator")
    assert seconds < BACK_WITHIN_S
    assert {answer.status_code for answer in answers} <= {200, 503}
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"]
        assert answer.json()["request_id"]
    assert others(system, "orchestrator") == before


def test_a_killed_gateway_is_back_soon_and_disturbs_nobody(system: System) -> None:
    before = others(system, "gateway")
    killed = system.kill("gateway")

    def back() -> bool:
        row = system.programs()["gateway"]
        return row.ready and row.pid not in (0, killed) and system.healthy()

    system.eventually(back, "the gateway is back and answers", within=BACK_WITHIN_S)
    assert others(system, "gateway") == before


def test_every_service_was_killed_by_one_of_these_tests() -> None:
    assert {*PART, "orchestrator", "gateway"} == set(topology.SERVICES)
