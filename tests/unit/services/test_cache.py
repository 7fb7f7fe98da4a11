"""Of all who miss at once, one computes; what it found, or what went wrong, reaches every one of them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from chassis.telemetry import Telemetry
from services.feature_store import cache as module
from services.feature_store.cache import Cache
from tests.unit.signals import Signals

pytestmark = pytest.mark.anyio


class Source:
    """Computes slowly: it waits until it is let go, and counts how often it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked, self.error = 0, error
        self.go = asyncio.Event()

    async def compute(self) -> int:
        self.asked += 1
        await self.go.wait()
        if self.error:
            raise self.error
        return self.asked


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that stands still unless ``now.at`` is moved."""
    hand = SimpleNamespace(at=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: hand.at))
    return hand


async def test_a_hundred_misses_at_once_are_one_computation(telemetry: Telemetry, signals: Signals) -> None:
    cache, source = Cache[int]("places", 30, telemetry), Source()
    callers = [asyncio.create_task(cache.get("harbour", source.compute)) for _ in range(100)]
    await settle()
    source.go.set()
    assert set(await asyncio.gather(*callers)) == {1}
    assert source.asked == 1
    assert signals.metric("cache_requests_total", cache="places", result="miss") == 100


async def test_without_single_flight_every_caller_computes(telemetry: Telemetry) -> None:
    cache, source = Cache[int]("places", 30, telemetry), Source()
    telemetry.knobs.set(f"cache.{cache.name}.single_flight", False)
    callers = [asyncio.create_task(cache.get("harbour", source.compute)) for _ in range(10)]
    await settle()
    source.go.set()
    await asyncio.gather(*callers)
    assert source.asked == 10


async def test_a_value_is_kept_for_its_life_and_no_longer(
    telemetry: Telemetry, signals: Signals, now: SimpleNamespace
) -> None:
    cache, source = Cache[int]("places", 30, telemetry), Source()
    source.go.set()
    assert await cache.get("harbour", source.compute) == 1
    now.at += 29.9
    assert await cache.get("harbour", source.compute) == 1
    now.at += 0.2
    assert await cache.get("harbour", source.compute) == 2
    assert signals.metric("cache_requests_total", cache="places", result="hit") == 1


async def test_keys_do_not_share_values(telemetry: Telemetry) -> None:
    cache, source = Cache[int]("places", 30, telemetry), Source()
    source.go.set()
    assert await cache.get("harbour", source.compute) != await cache.get("hill", source.compute)


async def test_the_first_callers_cancellation_does_not_fail_the_others(telemetry: Telemetry) -> None:
    cache, source = Cache[int]("places", 30, telemetry), Source()
    first, second = (asyncio.create_task(cache.get("harbour", source.compute)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    source.go.set()
    assert await second == 1
    assert source.asked == 1


async def test_a_failure_reaches_all_who_waited_and_is_not_kept(telemetry: Telemetry) -> None:
    cache, source = Cache[int]("places", 30, telemetry), Source(ZeroDivisionError())
    callers = [asyncio.create_task(cache.get("harbour", source.compute)) for _ in range(3)]
    await settle()
    source.go.set()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(answer) for answer in answers} == {ZeroDivisionError}
    source.error = None
    assert await cache.get("harbour", source.compute) == 2
