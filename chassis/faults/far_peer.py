"""A peer's answers travel long."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial, fixed


@dataclass(frozen=True)
class FarPeer:
    """A peer's answers travel long."""

    peer: str = fixed("redis", "Whose client: a service, or redis.")
    # A new connection's trips to Redis still fit in its half second: beyond that far would look like down.
    delay_s: float = dial(0.02, 0.08, "Seconds they travel.")
    jitter_s: float = dial(0.01, 0.02, "Seconds by which one may take longer.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"wire.{self.peer}.delay": self.delay_s, f"wire.{self.peer}.jitter": self.jitter_s})
