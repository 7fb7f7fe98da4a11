"""The clock of the process is ahead."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class FastClock:
    """The clock of the process is ahead."""

    seconds: float = dial(0.5, 3.0, "By how much.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"clock.offset": self.seconds})
