"""A blocked event loop: one coroutine computes, and everyone else in the process waits.

The lag of a timer is the loop's own measure (asyncio's own advice, "Developing with asyncio: Running blocking code").
Work of D seconds, r times a second, makes a timer late by r D²/2 on average if it is done on the loop, and by nothing
if it is done elsewhere (the mean residual time of renewal theory: Kleinrock, "Queueing Systems", 1975).
"""

from __future__ import annotations

import numpy as np

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, is_call, slowed
from lab.diagnosis.profile import Growth
from lab.diagnosis.window import Window

KIND = "blocked event loop"
_LEAST_S = 0.003


def find(window: Window) -> list[Finding]:
    lags = window.now.by("loop_lag")
    found = []
    for service, lag in sorted(lags.items()):
        before = window.before.value("loop_lag", service_name=service) or 0.0
        # Lag everywhere is a machine without a free core, which another detector reports.
        others = [other for name, other in lags.items() if name != service]
        common = float(np.median(others)) if others else 0.0
        if lag - before >= _LEAST_S and lag > 3 * max(before, common):
            found.append(_finding(window, service, lag, before))
    return found


def _finding(window: Window, service: str, lag: float, before: float) -> Finding:
    growth = _inside(window, service)
    place = growth.key[1] if growth else "event loop"
    sentence = (
        f"The event loop of {service} runs {lag * 1e3:.0f} ms late on average ({before * 1e3:.1f} ms before): "
        f"{place} computes on it and holds up everyone else there."
    )
    evidence = Evidence(
        {"lag_s": lag, "lag_before_s": before}, growth.traces if growth else (), (), window.query("loop_lag")
    )
    expected = _expected_s(window, growth) if growth else 0.0
    strength = graded((lag - before) / expected, 0.2, 0.8) if expected else graded(lag - before, 0.01, 0.08)
    return Finding(service, place, KIND, strength, sentence, evidence)


def _expected_s(window: Window, growth: Growth) -> float:
    """How late a timer is on average where this work is done on the loop."""
    a_second = window.now.total("predictions") / window.now.seconds if window.now.seconds else 0.0
    each_s = window.profile.now[growth.key].mean_own() / 1e3
    return a_second * growth.now_ms / 1e3 * each_s / 2


def _inside(window: Window, service: str) -> Growth | None:
    """The work, rather than the waits it causes in the same process: what gained most, else what takes longest."""
    inside = [
        growth
        for growth in window.profile.growths
        if growth.key[0] == service and not is_call(growth.key[1]) and not _waits(growth.key[1])
    ]
    gained = [growth for growth in inside if slowed(growth, 2.0)]
    return gained[0] if gained else max(inside, key=lambda growth: growth.now_ms, default=None)


def _waits(operation: str) -> bool:
    """A wait for a batch, or a server span, of which the loop's lag is a part."""
    return operation == "batch_wait" or operation.startswith(("POST", "GET"))
