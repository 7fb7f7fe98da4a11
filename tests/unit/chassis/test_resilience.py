"""A client stops calling a peer that keeps failing, and its second tries stay within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import resilience
from chassis.resilience import Breaker, BreakerOpen, Resilience, RetryBudget, Transient
from chassis.telemetry import Telemetry
from tests.unit.signals import Signals

pytestmark = pytest.mark.anyio


class Lost(Exception):
    """What the caller is to see in the end."""


class HandClock:
    """Monotonic time that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    hand = HandClock()
    monkeypatch.setattr(resilience, "time", SimpleNamespace(monotonic=hand.monotonic))
    return hand


def failing(times: int, retry: bool = True) -> tuple[Callable[[int], Awaitable[str]], list[int]]:
    """An attempt that fails ``times`` times and then answers, and the numbers it was called with."""
    calls: list[int] = []

    async def attempt(number: int) -> str:
        calls.append(number)
        if len(calls) <= times:
            raise Transient(Lost("reset"), retry=retry)
        return "answer"

    return attempt, calls


async def fail_often(client: Resilience, times: int) -> None:
    attempt, _ = failing(times, retry=False)
    for _ in range(times):
        with pytest.raises(Lost):
            await client.call(attempt)


async def test_a_second_try_cures_a_lost_connection(telemetry: Telemetry, signals: Signals) -> None:
    attempt, calls = failing(1)
    assert await Resilience("peer", telemetry).call(attempt) == "answer"
    assert calls == [0, 1]
    assert signals.metric("client_retries_total", peer="peer") == 1
    assert signals.metric("client_requests_total", peer="peer", result="failed") == 1
    assert signals.metric("client_requests_total", peer="peer", result="ok") == 1


async def test_tries_end_and_the_caller_sees_the_last_cause(telemetry: Telemetry) -> None:
    attempt, calls = failing(99)
    with pytest.raises(Lost):
        await Resilience("peer", telemetry, attempts=3, backoff=0.001).call(attempt)
    assert calls == [0, 1, 2]


async def test_what_no_retry_can_cure_is_tried_once(telemetry: Telemetry) -> None:
    attempt, calls = failing(99, retry=False)
    with pytest.raises(Lost):
        await Resilience("peer", telemetry).call(attempt)
    assert calls == [0]


async def test_an_error_that_is_not_the_peers_is_not_retried_and_does_not_open_the_breaker(
    telemetry: Telemetry,
) -> None:
    client = Resilience("peer", telemetry)

    async def bug(number: int) -> None:
        raise ZeroDivisionError

    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            await client.call(bug)
    assert client.breaker.state == Breaker.CLOSED


async def test_after_five_failures_in_a_row_the_peer_is_left_alone(telemetry: Telemetry, signals: Signals) -> None:
    client = Resilience("peer", telemetry)
    await fail_often(client, 5)
    attempt, calls = failing(0)
    with pytest.raises(BreakerOpen):
        await client.call(attempt)
    assert calls == []
    assert signals.metric("circuit_breaker_state", peer="peer") == Breaker.OPEN


async def test_a_success_between_failures_keeps_the_breaker_closed(telemetry: Telemetry) -> None:
    client = Resilience("peer", telemetry)
    for _ in range(4):
        await fail_often(client, 4)
        attempt, _ = failing(0)
        assert await client.call(attempt) == "answer"


async def test_after_the_cool_down_one_probe_decides(telemetry: Telemetry, clock: HandClock) -> None:
    client = Resilience("peer", telemetry)
    await fail_often(client, 5)
    clock.now += 1.1
    await fail_often(client, 1)  # the probe fails: open again, at the first failure
    with pytest.raises(BreakerOpen):
        await client.call(failing(0)[0])
    clock.now += 1.1
    assert await client.call(failing(0)[0]) == "answer"
    assert client.breaker.state == Breaker.CLOSED


async def test_while_a_probe_is_under_way_nobody_else_calls(telemetry: Telemetry, clock: HandClock) -> None:
    client = Resilience("peer", telemetry)
    await fail_often(client, 5)
    clock.now += 1.1
    release = asyncio.Event()

    async def slow(number: int) -> str:
        await release.wait()
        return "answer"

    probe = asyncio.create_task(client.call(slow))
    await asyncio.sleep(0)
    with pytest.raises(BreakerOpen):
        await client.call(slow)
    release.set()
    assert await probe == "answer"


async def test_a_probe_that_is_cancelled_does_not_keep_the_breaker_half_open(
    telemetry: Telemetry, clock: HandClock
) -> None:
    client = Resilience("peer", telemetry)
    await fail_often(client, 5)
    clock.now += 1.1
    probe = asyncio.create_task(client.call(lambda _: asyncio.Event().wait()))
    await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    clock.now += 1.1
    assert await client.call(failing(0)[0]) == "answer"


@given(ratio=st.floats(0.01, 0.5), reserve=st.floats(2, 50), requests=st.integers(1, 2_000))
def test_retries_stay_a_fixed_share_of_requests(ratio: float, reserve: float, requests: int) -> None:
    budget = RetryBudget(ratio, reserve)
    granted = 0
    for _ in range(requests):
        budget.deposit()
        granted += budget.take()
    assert granted <= requests * ratio + reserve + 1e-6
    assert granted >= min(requests, int(requests * ratio))  # and a healthy share of them is granted


async def test_when_the_budget_is_spent_a_retry_is_denied_and_counted(telemetry: Telemetry, signals: Signals) -> None:
    client = Resilience("peer", telemetry, backoff=0.0)
    client.breaker.threshold = 1_000
    tried = 0
    for _ in range(30):
        attempt, calls = failing(99)
        with pytest.raises(Lost):
            await client.call(attempt)
        tried += len(calls)
    assert 30 < tried <= 30 + 10 + 3  # the reserve, and a tenth of the requests
    assert signals.metric("client_retries_denied_total", peer="peer") == 60 - tried


async def test_pauses_before_retries_are_jittered_between_nothing_and_their_bound(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    fake = SimpleNamespace(sleep=note)
    monkeypatch.setattr(resilience, "asyncio", fake)
    client = Resilience("peer", telemetry, attempts=2, backoff=0.02)
    client.breaker.threshold, client.budget = 10_000, RetryBudget(1.0, 10_000)
    for _ in range(200):
        await client.call(failing(1)[0])
    assert all(0 <= pause <= 0.04 for pause in pauses)
    assert min(pauses) < 0.01, "full jitter reaches down to nothing"
    assert max(pauses) > 0.03, "and up to the bound"
