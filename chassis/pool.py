"""A bounded pool of slots with its limit changeable while it runs, and its waits measured.

A slot may have to rest after each use before it is lent again, as connections do that are reset on their return.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis import semconv
from chassis.telemetry import Telemetry


class Pool:
    """At most ``limit`` holders at a time, first come, first served. For one event loop; not thread-safe.

    Knobs ``pool.NAME.limit`` and ``pool.NAME.rest``.
    """

    def __init__(self, name: str, limit: int, telemetry: Telemetry) -> None:
        self.name, self._limit, self.telemetry = name, limit, telemetry
        self.in_use = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        telemetry.knobs.register(
            f"pool.{name}.limit", limit, f"Slots of the pool {name}.", minimum=1, on_change=self._turned
        )
        self._rest = telemetry.knobs.register(
            f"pool.{name}.rest",
            0.0,
            f"Seconds that a slot of the pool {name} rests between two uses.",
            minimum=0,
            maximum=10,
        )
        telemetry.gauge_callback(semconv.POOL_LIMIT, lambda: self._limit, pool=name)
        telemetry.gauge_callback(semconv.POOL_IN_USE, lambda: self.in_use, pool=name)
        telemetry.gauge_callback(semconv.POOL_WAITING, lambda: len(self._waiters), pool=name)

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, value: int) -> None:
        self._limit = value
        self._wake()

    def _turned(self, limit: int) -> None:
        """The knob was turned, on another thread than the loop's."""
        self._limit = limit
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Holds one slot for the length of the block, after waiting for it where none is free."""
        self._loop = asyncio.get_running_loop()
        started = time.perf_counter()
        await self._acquire()
        self.telemetry.observe(semconv.POOL_WAIT, time.perf_counter() - started, pool=self.name)
        try:
            yield
        finally:
            self._give_back()

    def _give_back(self) -> None:
        if self._rest.value and self._loop is not None:
            self._loop.call_later(self._rest.value, self._free)
        else:
            self._free()

    def _free(self) -> None:
        self.in_use -= 1
        self._wake()

    async def _acquire(self) -> None:
        if self.in_use < self._limit and not self._waiters:
            self.in_use += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise

    def _give_up(self, waiter: asyncio.Future[None]) -> None:
        """A cancelled waiter leaves the queue, or hands on the slot it had just been given."""
        if waiter.done() and not waiter.cancelled():
            self.in_use -= 1
            self._wake()
        elif waiter in self._waiters:
            self._waiters.remove(waiter)

    def _wake(self) -> None:
        while self._waiters and self.in_use < self._limit:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self.in_use += 1
                waiter.set_result(None)
