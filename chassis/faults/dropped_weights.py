"""The weights are dropped after each use, and loaded before the next."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class DroppedWeights:
    """The weights are dropped after each use, and loaded before the next."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"model.keep": False})
