"""Redis is restarted amid outcomes: what was acknowledged is counted, once, and stays known.

A restart, as by a rollout, not SIGKILL: where the disk is slow, that costs the last second or two (redis.conf).
"""

from __future__ import annotations

from typing import Any

from tests.system.harness import System

OUTCOMES, RESTARTED_AT = 14, 5


def report(system: System, *prediction_ids: str) -> dict[str, str] | None:
    """What became of each, or None where the gateway says that it cannot tell now."""
    told = [{"prediction_id": each, "converted": True} for each in prediction_ids]
    answer = system.post("/v1/outcomes", json={"outcomes": told})
    assert answer.status_code in (200, 503, 504), answer.text
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
        if number == RESTARTED_AT:
            with system.without("redis"):
                assert report(system, each) is None, "nothing is acknowledged while Redis is away"
        results |= reported(system, each)
    assert set(results.values()) == {"joined"}
    assert joined(system) == before + OUTCOMES

    with system.without("redis"):
        pass
    assert set(reported(system, *ids).values()) == {"repeated"}, "what it was told before, it still knows"
    assert joined(system) == before + OUTCOMES
    system.eventually_healthy()
