"""Events change a user's aggregates once each, in any order; a stopped consumer lets them wait and age."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis import Redis

from chassis.telemetry import Telemetry
from marketplace.world import EVENT_FEATURES, EVENT_WEIGHT
from services.feature_store.events import FEATURES, GROUP, STREAM, WEIGHT, Aggregator, EventLog
from services.feature_store.schemas import SessionEvent
from tests.unit.signals import Signals
from tests.unit.watching.conftest import StoreFor

pytestmark = pytest.mark.anyio
USER = "user:U000001"


def event(number: int, duration: float = 600.0, ago: float = 0.0) -> SessionEvent:
    return SessionEvent(
        event_id=f"event-{number:06d}", user_id="U000001", session_duration=duration, items_viewed=10, saved=1,
        occurred_at=time.time() - ago,
    )  # fmt: skip


@asynccontextmanager
async def consuming(store_for: StoreFor, telemetry: Telemetry, name: str = "one") -> AsyncIterator[None]:
    aggregator = Aggregator(store_for("feature_store", telemetry), telemetry, consumer=name)
    task = asyncio.create_task(aggregator.run())
    try:
        yield
    finally:
        task.cancel()


async def eventually(check: Callable[[], bool], description: str, within: float = 5.0) -> float:
    """Seconds until ``check`` held; fails with the description."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while not check():  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
def log(store_for: StoreFor, telemetry: Telemetry) -> EventLog:
    return EventLog(store_for("feature_store", telemetry), telemetry)


async def test_an_event_changes_its_user_within_a_second(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, admin: Redis
) -> None:
    admin.hset(USER, mapping={"session_duration": 100, "items_viewed": 5, "saved": 0, "updated_at": time.time() - 900})
    async with consuming(store_for, telemetry):
        await log.append([event(1)])
        took = await eventually(lambda: admin.hget(USER, "session_duration") == "200", "the event is counted")
    assert took < 1
    assert time.time() - float(str(admin.hget(USER, "updated_at"))) < 5


async def test_repeated_and_out_of_order_events_count_once(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, signals: Signals, admin: Redis
) -> None:
    newest = event(2, ago=0)
    async with consuming(store_for, telemetry):
        await log.append([newest, event(1, ago=60), newest, event(1, ago=60)])
        await eventually(lambda: signals.metric("events_counted_total", result="repeated") == 2, "two are known")
    assert signals.metric("events_counted_total", result="counted") == 2
    assert float(str(admin.hget(USER, "updated_at"))) == pytest.approx(newest.occurred_at)


async def test_what_a_consumer_had_begun_is_counted_after_its_restart(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, admin: Redis
) -> None:
    await log.append([event(1)])
    admin.xgroup_create(STREAM, GROUP, id="0")
    admin.xreadgroup(GROUP, "one", {STREAM: ">"})  # read, and then the process was killed
    async with consuming(store_for, telemetry):
        await eventually(lambda: bool(admin.exists(USER)), "the event is counted")
    assert admin.xpending(STREAM, GROUP)["pending"] == 0  # type: ignore[index]


async def test_what_a_dead_consumer_had_begun_another_takes_over(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, admin: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.feature_store.events.ABANDONED_MS", 10)
    await log.append([event(1)])
    admin.xgroup_create(STREAM, GROUP, id="0")
    admin.xreadgroup(GROUP, "the dead one", {STREAM: ">"})
    await asyncio.sleep(0.05)
    async with consuming(store_for, telemetry, "another"):
        await eventually(lambda: bool(admin.exists(USER)), "the event is counted")


async def test_an_entry_that_is_no_event_stops_nobody(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, signals: Signals, admin: Redis
) -> None:
    admin.xadd(STREAM, {"nonsense": "1"})
    async with consuming(store_for, telemetry):
        await log.append([event(1)])
        await eventually(lambda: bool(admin.exists(USER)), "the event is counted")
    assert signals.metric("events_counted_total", result="unreadable") == 1


async def test_a_stopped_consumer_lets_events_wait_and_says_how_many(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, signals: Signals, admin: Redis
) -> None:
    async with consuming(store_for, telemetry):
        await log.append([event(1)])
        await eventually(lambda: bool(admin.exists(USER)), "the first is counted")
        before = admin.hget(USER, "updated_at")
        telemetry.knobs.set("events.counting", False)
        await asyncio.sleep(0.7)  # the read that was under way ends
        await log.append([event(number) for number in range(2, 7)])
        await eventually(lambda: signals.metric("events_waiting") == 5, "five events wait")
        assert admin.hget(USER, "updated_at") == before
        telemetry.knobs.set("events.counting", True)
        await eventually(lambda: signals.metric("events_waiting") == 0, "none waits any more")
    assert signals.metric("events_counted_total", result="counted") == 6


async def test_a_user_s_memory_of_events_is_bounded(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, signals: Signals, admin: Redis
) -> None:
    async with consuming(store_for, telemetry):
        await log.append([event(number, ago=100 - number) for number in range(80)])
        await eventually(lambda: signals.metric("events_counted_total", result="counted") == 80, "all are counted")
    assert admin.zcard(f"{USER}:events") == 50


async def test_two_consumers_share_the_work_and_count_each_event_once(
    log: EventLog, store_for: StoreFor, telemetry: Telemetry, signals: Signals, admin: Redis
) -> None:
    other = Telemetry("feature_store", telemetry.settings)
    async with consuming(store_for, telemetry), consuming(store_for, other, "two"):
        for batch in range(5):
            await log.append([event(batch * 20 + number) for number in range(20)])

        def counted() -> float:
            return sum(each.metric("events_counted_total", result="counted") for each in (signals, Signals(other)))

        await eventually(lambda: counted() >= 100, "a hundred events are counted")
    assert counted() == 100


def test_an_event_weighs_what_training_took_it_to_weigh() -> None:
    """The rooms may not import each other, so both say it."""
    assert (WEIGHT, FEATURES) == (EVENT_WEIGHT, EVENT_FEATURES)
