"""A pool lends few slots, and each rests after its use: callers queue for them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial, fixed


@dataclass(frozen=True)
class NarrowPool:
    """A pool lends few slots, and each rests after its use: callers queue for them."""

    pool: str = fixed("redis", "Which pool.")
    limit: int = fixed(1, "Slots it lends.")
    rest_s: float = dial(0.03, 0.14, "Seconds a slot rests between two uses.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"pool.{self.pool}.limit": self.limit, f"pool.{self.pool}.rest": self.rest_s})
