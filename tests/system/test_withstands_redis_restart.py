"""Redis is killed while outcomes are being reported: what was acknowledged is counted, once, and stays known."""

from __future__ import annotations

from typing import Any

from tests.system.harness import System

OUTCOMES, KILLED_AT = 14, 5


def report(system: System, *prediction_ids: str) -> dict[str, str] | None:
    """What became of each, or None where the gateway says that it cannot tell now."""
    told = [{"prediction_id": each, "converted": True} for each in prediction_ids]
    answer = system.post("/v1/outcomes", json={"outcomes": told})
    assert answer.status_code in (200, 503), answer.text
    results: dict[str, str] | None = answer.json()["results"] if answer.status_code == 200 else None
    return results


def reported(system: System, *prediction_ids: str) -> dict[str, str]:
    """The same, sent again until it is taken, as any client of an at-least-once interface does."""
    results = system.eventually(lambda: report(system, *prediction_ids), "the outcomes are taken", within=30)
    assert results is not None
    return results


def joined(system: System) -> float:
    return system.metrics("orchestrator").value("outcomes_joined_total", model_name="conversion_model")


def test_a_restart_of_redis_amid_outcomes_loses_none_that_was_acknowledged(system: System) -> None:
    answers: list[dict[str, Any]] = system.predict_many(OUTCOMES)
    ids = [answer["prediction_id"] for answer in answers]
    before, results = joined(system), dict[str, str]()
    for number, each in enumerate(ids):
        if number == KILLED_AT:
            system.kill("redis")
        results |= reported(system, each)
    assert set(results.values()) == {"joined"}
    assert joined(system) == before + OUTCOMES

    system.kill("redis")  # and what it was told before it died, it still knows
    assert set(reported(system, *ids).values()) == {"repeated"}
    assert joined(system) == before + OUTCOMES
    system.eventually_healthy()
