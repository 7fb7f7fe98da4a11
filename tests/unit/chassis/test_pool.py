"""A pool lends at most its limit of slots, first come, first served, and loses none."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.knobs import Knobs
from chassis.pool import Pool
from chassis.telemetry import Telemetry
from tests.unit.signals import Signals

pytestmark = pytest.mark.anyio


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Holders:
    """Tasks that each hold a slot until they are told to let go, in the order in which they got it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.got: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.done: dict[int, asyncio.Event] = {}

    async def come(self, number: int) -> None:
        self.done[number] = asyncio.Event()
        self.tasks[number] = asyncio.create_task(self._hold(number))
        await settle()

    async def leave(self, number: int) -> None:
        self.done[number].set()
        await settle()

    async def give_up(self, number: int) -> None:
        self.tasks[number].cancel()
        await settle()

    async def all_leave(self) -> None:
        for event in self.done.values():
            event.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def _hold(self, number: int) -> None:
        async with self.pool.slot():
            self.got.append(number)
            await self.done[number].wait()


async def test_callers_beyond_the_limit_wait_and_are_served_in_order(telemetry: Telemetry, signals: Signals) -> None:
    holders = Holders(Pool("redis", 2, telemetry))
    for number in range(5):
        await holders.come(number)
    assert holders.got == [0, 1]
    assert signals.metric("pool_in_use", pool="redis") == 2
    assert signals.metric("pool_waiting", pool="redis") == 3
    await holders.leave(1)
    await holders.leave(0)
    assert holders.got == [0, 1, 2, 3]
    await holders.all_leave()
    assert holders.got == [0, 1, 2, 3, 4]
    assert signals.metric("pool_in_use", pool="redis") == 0


async def test_time_spent_waiting_is_measured(telemetry: Telemetry, signals: Signals) -> None:
    holders = Holders(Pool("redis", 1, telemetry))
    for number in range(3):
        await holders.come(number)
    await holders.all_leave()
    assert signals.metric("pool_wait_seconds_count", pool="redis") == 3
    assert signals.metric("pool_wait_seconds_sum", pool="redis") > 0


async def test_a_newcomer_does_not_overtake_those_who_wait(telemetry: Telemetry) -> None:
    holders = Holders(Pool("redis", 1, telemetry))
    await holders.come(0)
    await holders.come(1)
    holders.done[0].set()  # the slot is free in a moment; the newcomer asks in the same one
    await holders.come(2)
    assert holders.got == [0, 1]
    await holders.all_leave()


async def test_a_waiter_that_gives_up_leaves_the_queue(telemetry: Telemetry, signals: Signals) -> None:
    holders = Holders(Pool("redis", 1, telemetry))
    for number in range(3):
        await holders.come(number)
    await holders.give_up(1)
    assert signals.metric("pool_waiting", pool="redis") == 1
    await holders.leave(0)
    assert holders.got == [0, 2]
    await holders.all_leave()


async def test_a_slot_given_to_someone_who_was_just_cancelled_is_passed_on(telemetry: Telemetry) -> None:
    pool = Pool("redis", 1, telemetry)
    holders = Holders(pool)
    for number in range(3):
        await holders.come(number)
    holders.done[0].set()
    await asyncio.sleep(0)  # number 0 lets go and number 1 is handed the slot …
    holders.tasks[1].cancel()  # … and is cancelled before it runs
    await settle()
    assert holders.got[-1] == 2
    await holders.all_leave()
    assert pool.in_use == 0


async def test_a_raised_limit_lets_waiters_in_at_once_and_a_lowered_one_holds_for_the_next(
    telemetry: Telemetry,
) -> None:
    pool = Pool("redis", 1, telemetry)
    holders = Holders(pool)
    for number in range(5):
        await holders.come(number)
    pool.limit = 3
    await settle()
    assert holders.got == [0, 1, 2]
    pool.limit = 1
    await holders.leave(0)
    await holders.leave(1)
    assert holders.got == [0, 1, 2], "two of three have left, so one slot is in use: nobody may enter"
    await holders.leave(2)
    assert holders.got == [0, 1, 2, 3]
    await holders.all_leave()


async def test_an_error_inside_gives_the_slot_back(telemetry: Telemetry) -> None:
    pool = Pool("redis", 1, telemetry)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with pool.slot():
                raise ZeroDivisionError
    assert pool.in_use == 0


Step = st.one_of(
    st.tuples(st.just("come"), st.integers(0, 0)),
    st.tuples(st.just("leave"), st.integers(0, 30)),
    st.tuples(st.just("give_up"), st.integers(0, 30)),
    st.tuples(st.just("limit"), st.integers(1, 5)),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(Step, max_size=40))
def test_whatever_happens_no_slot_is_lost_and_none_is_lent_twice(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_live_through(steps))


async def _live_through(steps: list[tuple[str, int]]) -> None:
    pool = Pool("redis", 2, Silence())  # type: ignore[arg-type]
    holders, most = Holders(pool), 2
    for action, number in steps:
        if action == "come":
            await holders.come(len(holders.tasks))
        elif action == "limit":
            pool.limit = number
            most = max(most, number)
            await settle()
        elif number in holders.tasks:
            await getattr(holders, action)(number)
        assert 0 <= pool.in_use <= most
        waiting = [n for n, task in holders.tasks.items() if not task.done() and n not in holders.got]
        assert not waiting or pool.in_use >= pool.limit, "someone waits although a slot is free"
    await holders.all_leave()
    assert pool.in_use == 0
    async with AsyncExitStack() as stack:  # every slot can still be had
        for _ in range(pool.limit):
            await asyncio.wait_for(stack.enter_async_context(pool.slot()), 1)


class Silence:
    """Telemetry for a property test, which makes hundreds of pools."""

    def __init__(self) -> None:
        self.knobs = Knobs()

    def gauge_callback(self, *args: object, **labels: str) -> None: ...

    def observe(self, *args: object, **labels: str) -> None: ...
