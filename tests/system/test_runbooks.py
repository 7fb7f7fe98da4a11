"""Five runbooks, run live where a fault is that they are for: each points to its kind, and before it to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab.faults import asking, state
from lab.faults.asking import Ask
from lab.faults.catalogue import ROWS
from lab.runbooks import Sources, load, run
from tests.system.harness import System

WINDOW_S = 20.0
# Pairs of alert and fault, in rounds: what is on at once breaks different things.
FIRST = (("RedisPoolWait", "pool-of-one"), ("BatchWaitLong", "batch-wait"), ("TelemetryLost", "dropped-spans"))
SECOND = (("CompletenessBudgetBurns", "redis-denied"), ("TracesBroken", "lost-context"))


@pytest.fixture(scope="module")
def visited(system: System) -> Iterator[System]:
    """The stack with a little traffic for as long as these tests take."""
    place = system.place
    command = [sys.executable, "-m", "lab", "load", "--rate", "6", "--duration", "150"]
    traffic = subprocess.Popen(
        command,
        env={**os.environ, **place.variables},
        cwd=place.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield system
    finally:
        asking.clear(place, "")
        traffic.terminate()
        traffic.wait(10)


def pointed(system: System, alert: str) -> str:
    """The kind that a runbook points to now; empty for none."""
    branch = run(Sources.of(system.place, system.http), load(alert), {}, window_s=WINDOW_S)["branch"]
    return branch["kind"] if branch else ""


def inject(system: System, *faults: str) -> None:
    for fault in faults:
        state.wait_on(system.place, asking.order(system.place, Ask(fault, seconds=90)).key)


def all_point(system: System, pairs: tuple[tuple[str, str], ...]) -> bool:
    return all(pointed(system, alert) == ROWS[fault].kind for alert, fault in pairs)


def test_nothing_is_pointed_to_while_nothing_is_wrong(visited: System) -> None:
    def quiet() -> bool:
        served = visited.prometheus('sum(rate(predictions_total{outcome="complete"}[20s])) > 3')
        return bool(served) and not any(pointed(visited, alert) for alert, _ in (*FIRST, *SECOND))

    visited.eventually(quiet, "predictions are served and no runbook points anywhere", within=60)


def test_three_faults_at_once_are_told_apart_by_their_runbooks(visited: System) -> None:
    inject(visited, *(fault for _, fault in FIRST))
    visited.eventually(lambda: all_point(visited, FIRST), f"{FIRST} point to their kinds", within=60)
    shown = visited.cli_json("runbook", "RedisPoolWait", "--run", "--window", "20s")
    assert shown["branch"]["kind"] == "queueing"
    assert shown["steps"][0]["holds"]
    assert shown["steps"][0]["rows"]
    asking.clear(visited.place, "")


def test_two_more_are_told_by_the_log_and_by_traces(visited: System) -> None:
    inject(visited, *(fault for _, fault in SECOND))
    visited.eventually(lambda: all_point(visited, SECOND), f"{SECOND} point to their kinds", within=60)
    asking.clear(visited.place, "")
