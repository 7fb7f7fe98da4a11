"""The batcher waits long for its batch to fill."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class PatientBatcher:
    """The batcher waits long for its batch to fill."""

    max_wait_s: float = dial(0.05, 0.3, "Seconds it waits at most.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"batcher.max_wait": self.max_wait_s, "batcher.max_batch": 64})
