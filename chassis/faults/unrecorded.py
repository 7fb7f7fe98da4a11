"""Part of the traces that begin here is not recorded."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class Unrecorded:
    """Part of the traces that begin here is not recorded."""

    recorded: float = dial(0.9, 0.3, "Share that is.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"traces.sampled": self.recorded})
