"""What every client has: a circuit breaker, and retries with jitter that a budget limits.

Budget as in Finagle and Envoy: retries may be a fixed share of requests, so that a failing peer is not buried under
its callers' second tries. Full jitter after Brooker, "Exponential Backoff And Jitter" (2015).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chassis import semconv
from chassis.telemetry import Telemetry

T = TypeVar("T")


class BreakerOpen(Exception):
    """The peer failed too often of late; no call was made."""


class Transient(Exception):
    """A failed attempt; ``cause`` is what the caller sees when no other is made. ``retry``: another may cure it."""

    def __init__(self, cause: Exception, retry: bool = True) -> None:
        super().__init__(str(cause))
        self.cause, self.retry = cause, retry


class Breaker:
    """Opens after ``threshold`` failures in a row; after ``cool_down`` seconds one call probes the peer."""

    CLOSED, HALF_OPEN, OPEN = 0, 1, 2

    def __init__(self, threshold: int = 5, cool_down: float = 1.0) -> None:
        self.threshold, self.cool_down = threshold, cool_down
        self.failures, self.opened_at, self.state = 0, 0.0, self.CLOSED

    def check(self) -> None:
        """Raises BreakerOpen unless a call may be made now."""
        if self.state == self.CLOSED:
            return
        # A probe that never reports (its task was cancelled) must not keep the breaker half open for ever.
        if time.monotonic() - self.opened_at < self.cool_down:
            raise BreakerOpen("circuit breaker is open")
        self.state, self.opened_at = self.HALF_OPEN, time.monotonic()

    def succeeded(self) -> None:
        self.failures, self.state = 0, self.CLOSED

    def failed(self) -> None:
        self.failures += 1
        if self.state == self.HALF_OPEN or self.failures >= self.threshold:
            self.state, self.opened_at = self.OPEN, time.monotonic()


class RetryBudget:
    """Retries may be ``ratio`` of the requests, with ``reserve`` of them saved up at most."""

    def __init__(self, ratio: float = 0.1, reserve: float = 10.0) -> None:
        self.ratio, self.reserve, self.tokens = ratio, reserve, reserve

    def deposit(self) -> None:
        self.tokens = min(self.reserve, self.tokens + self.ratio)

    def take(self) -> bool:
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Resilience:
    """Runs a client's attempts against one peer under its breaker and retry budget, and counts them."""

    def __init__(self, peer: str, telemetry: Telemetry, attempts: int = 2, backoff: float = 0.02) -> None:
        self.peer, self.telemetry, self.backoff = peer, telemetry, backoff
        self.breaker, self.budget = Breaker(), RetryBudget()
        add = telemetry.knobs.register
        self._attempts = add(
            f"client.{peer}.attempts",
            attempts,
            f"Attempts of a call to {peer}, the first counted.",
            minimum=1,
            maximum=20,
        )
        self._retry_share = add(
            f"client.{peer}.retry_budget",
            self.budget.ratio,
            f"Retries to {peer} as a share of the requests.",
            minimum=0,
            maximum=20,
            on_change=self._budget_turned,
        )
        add(
            f"client.{peer}.breaker",
            self.breaker.threshold,
            f"Failures in a row after which calls to {peer} are held back.",
            minimum=1,
            maximum=1_000_000,
            on_change=self._breaker_turned,
        )
        telemetry.gauge_callback(semconv.BREAKER_STATE, lambda: self.breaker.state, peer=peer)

    async def call(self, attempt: Callable[[int], Awaitable[T]]) -> T:
        """``attempt(n)`` for n = 0, 1 … while it raises Transient and budget and attempts allow.

        Raises BreakerOpen without an attempt, the last Transient's cause, or whatever else ``attempt`` raises.
        """
        self.budget.deposit()
        number = 0
        while True:
            self.breaker.check()
            try:
                result = await attempt(number)
            except Transient as error:
                self._count("failed")
                self.breaker.failed()
                number += 1
                if not (error.retry and self._may_retry(number)):
                    raise error.cause from error.cause.__cause__
                await asyncio.sleep(random.uniform(0, self.backoff * 2**number))
            else:
                self._count("ok")
                self.breaker.succeeded()
                return result

    def _budget_turned(self, ratio: float) -> None:
        self.budget.ratio = ratio
        self.budget.reserve = max(10.0, 10 * ratio)

    def _breaker_turned(self, threshold: int) -> None:
        self.breaker.threshold = threshold

    def _may_retry(self, number: int) -> bool:
        if number >= self._attempts.value:
            return False
        if not self.budget.take():
            self.telemetry.count(semconv.CLIENT_RETRIES_DENIED, peer=self.peer)
            return False
        self.telemetry.count(semconv.CLIENT_RETRIES, peer=self.peer)
        return True

    def _count(self, result: str) -> None:
        self.telemetry.count(semconv.CLIENT_REQUESTS, peer=self.peer, result=result)
