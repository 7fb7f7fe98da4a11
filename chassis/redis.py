"""Redis as every service uses it: own user, bounded pool, breaker, retries within a budget, deadlines kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from redis import exceptions
from redis.asyncio import ConnectionPool, Redis

from chassis import deadlines
from chassis.failpoints import Failpoint
from chassis.pool import Pool
from chassis.resilience import BreakerOpen, Resilience, Transient
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from chassis.wire import RedisConnection, Wire

T = TypeVar("T")

PORT = 6390
_LOST = (exceptions.ConnectionError, exceptions.TimeoutError, ConnectionError)


class StoreUnavailable(Exception):
    """Redis could not be used: refused, reset, too slow, busy, denied, or its breaker is open."""


class RedisStore:
    """One user's connections to Redis. ``pool`` bounds the operations under way; waits show before the Redis span.

    ``name`` tells this store's pool and breaker from another's in the same process.
    """

    def __init__(
        self,
        settings: Settings,
        user: str,
        telemetry: Telemetry,
        *,
        name: str = "redis",
        slots: int = 16,
        timeout: float = 0.5,
        traced: bool = True,
    ) -> None:
        self.pool, self.timeout = Pool(name, slots, telemetry), timeout
        self._used = Failpoint(name, telemetry.knobs, lambda: exceptions.ConnectionError("the connection is gone"))
        self.resilience = Resilience(name, telemetry)
        # More connections than slots: the pool above is the one place where callers wait.
        connections = ConnectionPool(
            connection_class=RedisConnection,
            wire=Wire(name, telemetry),
            host=settings.redis_host,
            port=PORT + settings.port_offset,
            username=user,
            password=settings.secret(f"redis_{user}"),
            max_connections=slots * 4,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=None,
            client_name=telemetry.service,
            decode_responses=True,
        )
        self.client = Redis(connection_pool=connections)
        if traced:
            telemetry.instrument_redis(self.client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.client.aclose()
        await self.client.connection_pool.disconnect()

    async def run(self, operation: Callable[[Redis], Awaitable[T]]) -> T:
        """``operation`` on the client, in a slot of the pool. Raises StoreUnavailable, its cause chained."""

        async def attempt(number: int) -> T:
            try:
                async with asyncio.timeout(deadlines.within(self.timeout)):
                    return await operation(self.client)
            except (*_LOST, TimeoutError) as error:
                raise Transient(error, retry=isinstance(error, ConnectionError | exceptions.ConnectionError)) from error
            except exceptions.RedisError as error:  # NOPERM, BUSY, WRONGTYPE: another try meets the same answer
                raise Transient(error, retry=False) from error

        try:
            async with self.pool.slot():
                await self._used.passed()
                return await self.resilience.call(attempt)
        except (*_LOST, TimeoutError, exceptions.RedisError, BreakerOpen, deadlines.DeadlineExceeded) as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
