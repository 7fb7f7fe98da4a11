"""A bounded pool of slots with its limit changeable while it runs, and its waits measured."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis import semconv
from chassis.telemetry import Telemetry


class Pool:
    """At most ``limit`` holders at a time, first come, first served. For one event loop; not thread-safe."""

    def __init__(self, name: str, limit: int, telemetry: Telemetry) -> None:
        self.name, self._limit, self.telemetry = name, limit, telemetry
        self.in_use = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
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

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Holds one slot for the length of the block, after waiting for it where none is free."""
        started = time.perf_counter()
        await self._acquire()
        self.telemetry.observe(semconv.POOL_WAIT, time.perf_counter() - started, pool=self.name)
        try:
            yield
        finally:
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
