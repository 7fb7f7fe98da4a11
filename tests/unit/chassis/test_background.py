"""Work beside the requests outlives its own failures, and tells of each."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from chassis import background
from chassis.telemetry import Telemetry
from tests.unit.signals import Signals


@pytest.mark.anyio
async def test_work_that_fails_is_told_with_its_stack_and_begun_again(
    telemetry: Telemetry, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "AGAIN_S", 0.0)
    done, runs = asyncio.Event(), []

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) < 3:
            raise OverflowError("too large")
        done.set()
        await asyncio.Event().wait()

    task = background.keep_running(telemetry, work, "counting")
    try:
        async with asyncio.timeout(5):
            await done.wait()
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    told = signals.logs("ERROR")
    assert [event.message for event in told] == ["counting failed: OverflowError: too large"] * 2
    assert all("in work" in event.stack for event in told)
