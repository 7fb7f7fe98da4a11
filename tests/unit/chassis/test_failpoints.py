"""Failpoints: off, nobody notices; what is held goes on when let go; what fails does so as its component would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chassis.context import REQUEST_ID
from chassis.failpoints import Failpoint
from chassis.knobs import KnobError, Knobs

pytestmark = pytest.mark.anyio


@pytest.fixture
def knobs() -> Knobs:
    return Knobs()


@pytest.fixture
def work(knobs: Knobs) -> Callable[[], asyncio.Task[str]]:
    """Begins one piece of work that passes the failpoint ``read``."""
    point = Failpoint("read", knobs, lambda: ConnectionError("the connection is gone"))

    async def passing() -> str:
        await point.passed()
        return "done"

    return lambda: asyncio.create_task(passing())


async def test_off_it_lets_everybody_pass(work: Callable[[], asyncio.Task[str]]) -> None:
    assert await work() == "done"


async def test_what_is_held_goes_on_when_it_is_let_go(knobs: Knobs, work: Callable[[], asyncio.Task[str]]) -> None:
    let_go = knobs.lay_over("failpoint.read", "hold")
    held = work()
    await asyncio.sleep(0.1)
    assert not held.done()
    let_go()
    async with asyncio.timeout(1):
        assert await held == "done"


async def test_a_deadline_ends_what_is_held(knobs: Knobs, work: Callable[[], asyncio.Task[str]]) -> None:
    knobs.set("failpoint.read", "hold")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await work()


async def test_it_raises_what_its_component_would(knobs: Knobs, work: Callable[[], asyncio.Task[str]]) -> None:
    knobs.set("failpoint.read", "raise")
    with pytest.raises(ConnectionError, match="gone"):
        await work()
    knobs.reset()
    assert await work() == "done"


async def test_a_share_of_the_requests_is_held(knobs: Knobs, work: Callable[[], asyncio.Task[str]]) -> None:
    knobs.lay_over("failpoint.read", "hold", lambda: REQUEST_ID.get() == "mine")
    assert await work() == "done"
    token = REQUEST_ID.set("mine")
    held = work()
    REQUEST_ID.reset(token)
    await asyncio.sleep(0.05)
    assert not held.done()
    held.cancel()


async def test_several_of_a_name_are_one(knobs: Knobs) -> None:
    for _ in range(2):
        Failpoint("model_inference", knobs, RuntimeError)
    assert [knob.name for knob in knobs] == ["failpoint.model_inference"]
    with pytest.raises(KnobError, match="one of"):
        knobs.set("failpoint.model_inference", "sleep")
