"""Failpoints: named places in the code where work may be held, or fail, on somebody's word.

A component makes one, and passes it where the work begins: ``await self._used.passed()``. It is turned by a knob, and
so for a share of the requests too; off, it costs a look at that knob (``python -m bench.faults`` measures it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chassis.knobs import Knobs

STEP_S = 0.02


class Failpoint:
    """Knob ``failpoint.NAME``: ``off``; ``hold``, until it is turned again; or ``raise`` what ``error`` makes.

    Whoever is held can be cancelled, and so a deadline ends it.
    """

    def __init__(self, name: str, knobs: Knobs, error: Callable[[], Exception]) -> None:
        self._does = knobs.share(
            f"failpoint.{name}",
            "off",
            f"Whether {name} goes its way, is held until this is turned again, or fails.",
            choices=("off", "hold", "raise"),
        )
        self._error = error

    async def passed(self) -> None:
        """Returns once the work may go on; raises what the component's failures are."""
        if self._does.value != "off":
            await self._stopped()

    async def _stopped(self) -> None:
        while self._does.value == "hold":  # noqa: ASYNC110 - knobs are turned on other threads, and hold for a share
            await asyncio.sleep(STEP_S)
        if self._does.value == "raise":
            raise self._error()
