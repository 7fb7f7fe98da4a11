"""Memory that is kept and never used again, until the memory guard ends the process."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from chassis.faults.fault import Where, dial

MEGABYTE = 1024 * 1024
STEP_S = 0.2


@dataclass(frozen=True)
class KeptMemory:
    """The process keeps more and more memory."""

    megabytes_per_s: int = dial(4, 40, "Megabytes kept each second.")

    @contextmanager
    def active(self, where: Where) -> Iterator[None]:
        where.whole()
        kept: list[bytes] = []
        stop = Event()
        keeper = Thread(target=self._keep, args=(kept, stop), name="worker", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            stop.set()
            keeper.join()
            kept.clear()
            _trim()

    def _keep(self, kept: list[bytes], stop: Event) -> None:
        while not stop.wait(STEP_S):
            kept.append(b"\1" * int(self.megabytes_per_s * MEGABYTE * STEP_S))  # written to, so really in memory


def _trim() -> None:
    """Give freed memory back to the system at once, where the C library can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
