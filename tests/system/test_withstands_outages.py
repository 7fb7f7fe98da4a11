"""The backends go away and come back: predictions go on, and what was kept meanwhile is not lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services import topology
from tests.system.harness import System


@pytest.fixture(autouse=True)
def healthy(system: System) -> Iterator[None]:
    """Each test finds and leaves the system whole."""
    system.eventually_healthy()
    yield
    system.eventually_healthy()


def test_a_dead_telemetry_store_takes_no_prediction_down_and_learns_of_them_later(system: System) -> None:
    with system.without("telemetry_store"):
        answers = system.predict_many(10)
        assert not any(answer["degraded"] for answer in answers)
        assert system.metrics("gateway").value("telemetry_queue_items", signal="traces") > 0
    trace_id = answers[-1]["trace_id"]
    system.eventually(
        lambda: {span.service for span in system.spans_now(trace_id)} == set(topology.SERVICES),
        "the trace of a prediction made meanwhile arrives",
        within=60,
    )


def test_the_outage_of_the_store_is_said_once_and_not_by_the_request(system: System) -> None:
    log = system.place.logs_dir / "gateway.log"
    before, said = len(log.read_text()), "collector does not take traces"
    with system.without("telemetry_store"):
        system.predict_many(3)
        system.eventually(lambda: said in log.read_text()[before:], "the gateway says that it is away", within=30)
    text = log.read_text()[before:]
    assert text.count(said) == 1, "one line an outage, not one an attempt"
    assert "Traceback" not in text


def test_a_dead_redis_degrades_predictions_and_recovers(system: System) -> None:
    before = {name: pid for name, pid in system.pids().items() if name in topology.SERVICES}
    with system.without("redis"):
        answers = system.predict_many(8)
        assert {tuple(answer["missing"]) for answer in answers} == {("features",)}
        assert all(answer["price"]["value"] > 0 for answer in answers)
        told = {"event_id": "visit-during-outage", "user_id": "U000001", "session_duration": 1}
        visit = system.post("/v1/events", json={"events": [{**told, "items_viewed": 1, "saved": 0}]})
        assert visit.status_code == 503
        assert visit.headers["content-type"] == "application/problem+json"
    system.eventually_healthy()
    assert {name: pid for name, pid in system.pids().items() if name in topology.SERVICES} == before

    outcome = {"prediction_id": answers[-1]["prediction_id"], "converted": False}
    joined = system.eventually(
        lambda: (
            answer if (answer := system.post("/v1/outcomes", json={"outcomes": [outcome]})).status_code == 200 else None
        ),
        "outcomes are taken again",
        within=20,
    )
    assert joined.json()["results"] == {outcome["prediction_id"]: "joined"}, (
        "the prediction was kept through the outage"
    )


def test_redis_restarted_keeps_what_it_held(system: System) -> None:
    system.kill("redis")
    system.eventually_healthy(within=30)


@pytest.mark.parametrize("program", ["prometheus", "alertmanager", "redis_exporter"])
def test_what_only_watches_is_not_needed(system: System, program: str) -> None:
    with system.without(program):
        assert system.healthy()
