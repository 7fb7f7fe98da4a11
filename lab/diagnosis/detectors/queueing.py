"""Callers that wait for their turn: queueing against work.

Utilisation, saturation, errors (Gregg, "The USE Method", 2013): a queue is saturation, which the span shows as time
before its work and the pool's own histogram as time spent waiting for a slot.
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, ratio, slowed, slowest_own
from lab.diagnosis.window import Window

KIND = "queueing"
_LEAST_WAIT_S = 0.01
_PLACE_OF_POOL = {"redis": "Redis", "inference": "model_inference"}


def find(window: Window) -> list[Finding]:
    pools = [finding for sample in window.now.select("pool_wait") if (finding := _pool(window, sample.labels))]
    crowded = {finding.service for finding in pools}
    services = {key[0] for key in window.profile.now if key[1] == "batch_wait"} - crowded
    return pools + [finding for service in sorted(services) if (finding := _batch(window, service))]


def _pool(window: Window, labels: object) -> Finding | None:
    service, pool = _names(labels)
    now = window.now.value("pool_wait", service_name=service, pool=pool) or 0.0
    before = window.before.value("pool_wait", service_name=service, pool=pool) or 0.0
    waiting = window.now.value("pool_waiting", service_name=service, pool=pool) or 0.0
    if now < _LEAST_WAIT_S or ratio(now, before, 0.001) < 5:
        return None
    inside = slowest_own(window, service)
    place = inside.key[1] if inside and pool != "inference" else _PLACE_OF_POOL.get(pool.split("_")[0], pool)
    strength = graded(now, _LEAST_WAIT_S / 2, 0.06)
    sentence = (
        f"Callers of the pool {pool!r} of {service} wait {now * 1e3:.0f} ms for a slot ({before * 1e3:.1f} ms before), "
        f"up to {waiting:.0f} of them at once; the work itself is quick."
    )
    traces = inside.traces if inside else ()
    evidence = Evidence(
        {"wait_s": now, "wait_before_s": before, "waiting": waiting}, traces, (), window.query("pool_wait")
    )
    return Finding(service, place, KIND, strength, sentence, evidence)


def _batch(window: Window, service: str) -> Finding | None:
    growth = window.profile.growth_of((service, "batch_wait"))
    if growth is None or not slowed(growth, 8.0):
        return None
    inference = window.profile.growth_of((service, "model_inference"))
    if inference is not None and slowed(inference) and inference.gain_ms > growth.gain_ms / 2:
        return None  # who waits for a slow inference is its victim
    sentence = (
        f"Requests wait {growth.now_ms:.0f} ms for their batch in {service} ({growth.before_ms:.1f} ms before), "
        "while the inference that follows takes its normal time."
    )
    evidence = Evidence(
        {"wait_ms": growth.now_ms, "wait_before_ms": growth.before_ms}, growth.traces, (), window.query("batch_wait")
    )
    return Finding(service, "batch_wait", KIND, graded(growth.gain_ms, 6, 40), sentence, evidence)


def _names(labels: object) -> tuple[str, str]:
    assert isinstance(labels, dict)
    return str(labels.get("service_name", "")), str(labels.get("pool", ""))
