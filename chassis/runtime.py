"""How the interpreter behaves: event-loop lag, pauses by the garbage collector, and what is tuned about both."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from chassis import semconv

if TYPE_CHECKING:
    from chassis.telemetry import Telemetry

LAG_INTERVAL_S = 0.1


class EventLoopLag:
    """Measures how late the event loop runs a timer; a task for the length of the service."""

    def __init__(self, telemetry: Telemetry, interval_s: float = LAG_INTERVAL_S) -> None:
        self._telemetry, self._interval_s = telemetry, interval_s

    async def run(self) -> None:
        while True:
            due = time.perf_counter() + self._interval_s
            await asyncio.sleep(self._interval_s)
            self._telemetry.observe(semconv.EVENT_LOOP_LAG, max(0.0, time.perf_counter() - due))


class GcPauses:
    """Times every garbage collection, by generation.

    A collection may begin anywhere, even while this thread holds a metric's lock; so the callback only appends to a
    deque, and the pauses reach the histogram at the next scrape.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._pauses: deque[tuple[int, float]] = deque(maxlen=10_000)
        self._began = 0.0

    def start(self) -> None:
        gc.callbacks.append(self._notice)
        self._telemetry.metrics.before_scrape(self.drain)

    def stop(self) -> None:
        if self._notice in gc.callbacks:
            gc.callbacks.remove(self._notice)
        self.drain()

    def drain(self) -> None:
        """Put what was measured since the last call into the histogram."""
        for _ in range(len(self._pauses)):  # no more than that: draining may itself set off collections
            generation, seconds = self._pauses.popleft()
            self._telemetry.metrics.observe(semconv.GC_PAUSE, seconds, generation=str(generation))

    def _notice(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        elif self._began:
            self._pauses.append((info["generation"], time.perf_counter() - self._began))


def freeze_garbage() -> None:
    """Collect once, set what has survived start-up aside, and collect more rarely.

    Measured: a full collection of a loaded service takes about 100 ms; frozen, there is next to nothing to look at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def share_interpreter() -> None:
    """Hand the interpreter over after 1 ms instead of 5, so that an export or a scrape holds a request up less."""
    sys.setswitchinterval(0.001)
