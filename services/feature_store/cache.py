"""A small cache with a life time, in which one caller computes what all of them wait for (single flight)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from chassis import semconv
from chassis.telemetry import Telemetry

T = TypeVar("T")


class Cache(Generic[T]):
    """Values by key, each kept ``life`` seconds. The keys are a bounded set, so nothing is evicted for room.

    Knobs ``cache.NAME.life`` and ``cache.NAME.single_flight``: off, every caller that misses computes for itself.
    """

    def __init__(self, name: str, life: float, telemetry: Telemetry) -> None:
        self.name, self.telemetry = name, telemetry
        self._life = telemetry.knobs.register(
            f"cache.{name}.life", life, f"Seconds that the cache {name} keeps a value.", minimum=0
        )
        self._single_flight = telemetry.knobs.register(
            f"cache.{name}.single_flight", True, f"Whether one caller of the cache {name} computes for all who wait."
        )
        self._kept: dict[str, tuple[float, T]] = {}
        self._flights: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        """The value kept for ``key``, or what ``compute`` gives; its exception reaches all who waited for it."""
        kept = self._kept.get(key)
        hit = kept is not None and time.monotonic() - kept[0] < self._life.value
        self.telemetry.set(semconv.CACHE_HIT, hit)
        self.telemetry.count(semconv.CACHE_REQUESTS, cache=self.name, result="hit" if hit else "miss")
        if kept is not None and hit:
            return kept[1]
        if not self._single_flight.value:
            return await self._compute(key, compute)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._compute(key, compute))
            flight.add_done_callback(lambda done: self._landed(key, done))
        # Shielded: the first caller's cancellation must not fail the others.
        return await asyncio.shield(flight)

    def _landed(self, key: str, flight: asyncio.Task[T]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # marked as seen: every caller may have been cancelled by now

    async def _compute(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        value = await compute()
        self._kept[key] = (time.monotonic(), value)
        return value
