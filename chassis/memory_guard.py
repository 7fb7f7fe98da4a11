"""Ends the process when it holds too much memory, as an orchestrator's limit would: exit code 137, no clean-up."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from chassis.telemetry import Telemetry

EXIT_CODE = 137  # 128 + SIGKILL
FLUSH_S = 2.0
MEGABYTE = 1_000_000  # bytes: a container of as many MiB lies 5 % above, so this speaks before the kernel acts


class MemoryGuard:
    """Compares resident memory with ``limit_mb`` (0: no limit) every ``interval_s`` seconds, on a thread of its own.

    It says why in the log and flushes the telemetry before the process ends.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        limit_mb: int | None = None,
        *,
        interval_s: float = 0.5,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._telemetry, self._interval_s, self._end = telemetry, interval_s, end
        self._process = psutil.Process()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="memory guard", daemon=True)
        default = telemetry.settings.memory_limit_mb if limit_mb is None else limit_mb
        self._limit_mb = telemetry.knobs.register(
            "memory.limit_mb", default, "Resident memory at which the process ends itself; 0: no limit.", minimum=0
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(2)

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            limit = self._limit_mb.value
            resident = self._process.memory_info().rss // MEGABYTE
            if limit and resident > limit:
                self._end_process(resident, limit)
                return

    def _end_process(self, resident: int, limit: int) -> None:
        self._telemetry.log.bind(resident_mb=resident, limit_mb=limit).critical(
            "out of memory: resident memory is over the limit, the process ends"
        )
        self._telemetry.flush(FLUSH_S)
        self._end(EXIT_CODE)
