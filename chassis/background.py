"""Work beside the requests, for as long as the service runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chassis.telemetry import Telemetry

AGAIN_S = 1.0


def keep_running(telemetry: Telemetry, work: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
    """A task that runs ``work``, and runs it again a second after it fails; cancel it to end it.

    A task that fails is told to nobody until somebody awaits it, and nobody awaits one that should never end: without
    this, one bad value would end the work for good, in silence. Here each failure is an error line with its stack.
    """
    return asyncio.create_task(_keep_running(telemetry, work, name), name=name)


async def _keep_running(telemetry: Telemetry, work: Callable[[], Awaitable[None]], name: str) -> None:
    while True:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - whatever it was is told, and the work has to go on
            telemetry.log.opt(exception=error).error(f"{name} failed: {type(error).__name__}: {error}")
            await asyncio.sleep(AGAIN_S)
