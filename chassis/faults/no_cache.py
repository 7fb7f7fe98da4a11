"""A cache keeps nothing, and every caller computes for itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, fixed


@dataclass(frozen=True)
class NoCache:
    """A cache keeps nothing, and every caller computes for itself."""

    cache: str = fixed("neighbourhood", "Which cache.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"cache.{self.cache}.life": 0.0, f"cache.{self.cache}.single_flight": False})
