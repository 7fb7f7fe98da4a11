"""The model computes with far more threads than there are cores."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class ManyThreads:
    """The model computes with far more threads than there are cores."""

    threads: int = dial(4, 32, "Threads of one inference.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"model.threads": self.threads})
