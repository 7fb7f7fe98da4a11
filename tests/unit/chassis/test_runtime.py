"""Event-loop lag and garbage-collector pauses, made real."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from chassis.runtime import EventLoopLag, GcPauses, freeze_garbage
from chassis.telemetry import Telemetry
from tests.unit.signals import Signals


def test_a_blocked_loop_shows_as_lag(telemetry: Telemetry, signals: Signals) -> None:
    async def block() -> None:
        lag = asyncio.create_task(EventLoopLag(telemetry, interval_s=0.01).run())
        await asyncio.sleep(0.03)
        time.sleep(0.12)  # noqa: ASYNC251 - the blocked loop is what is measured
        await asyncio.sleep(0.03)
        lag.cancel()

    asyncio.run(block())
    assert signals.metric("event_loop_lag_seconds_count") >= 2
    assert signals.metric("event_loop_lag_seconds_sum") > 0.1


def test_collections_are_timed_and_reach_the_histogram_with_the_next_scrape(
    telemetry: Telemetry, signals: Signals
) -> None:
    pauses = GcPauses(telemetry)
    pauses.start()
    gc.collect()
    gc.collect(0)
    assert signals.metric("gc_pause_seconds_count", generation="2") >= 1
    assert signals.metric("gc_pause_seconds_sum", generation="2") > 0
    assert signals.metric("gc_pause_seconds_count", generation="0") >= 1
    pauses.stop()
    pauses.stop()
    before = signals.metric("gc_pause_seconds_count", generation="2")
    gc.collect()
    assert signals.metric("gc_pause_seconds_count", generation="2") == before


@pytest.mark.timeout(20)
def test_a_collection_inside_a_scrape_cannot_deadlock(telemetry: Telemetry, signals: Signals) -> None:
    pauses = GcPauses(telemetry)
    pauses.start()
    thresholds = gc.get_threshold()
    gc.set_threshold(5)  # a collection at every few allocations, also while a metric's lock is held
    try:
        for _ in range(5):
            with telemetry.span("work"):
                telemetry.log.info("served")
            list(telemetry.metrics.registry.collect())
    finally:
        gc.set_threshold(*thresholds)
        pauses.stop()
    assert signals.metric("gc_pause_seconds_count", generation="0") > 20


def test_frozen_garbage_is_not_looked_at_again() -> None:
    thresholds = gc.get_threshold()
    try:
        freeze_garbage()
        assert gc.get_freeze_count() > 1_000
        assert gc.get_threshold()[0] > thresholds[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
