"""The key of each request is derived anew, with many rounds, on the event loop."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class HeavyKeys:
    """The key of each request is derived anew, with many rounds, on the event loop."""

    rounds: int = dial(40_000, 150_000, "Rounds of the derivation.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"auth.rounds": self.rounds, "auth.cache": False})
