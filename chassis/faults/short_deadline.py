"""A deadline below what the peer normally takes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial, fixed


@dataclass(frozen=True)
class ShortDeadline:
    """A deadline below what the peer normally takes."""

    peer: str = fixed("cv_model", "Whose client: a service, or redis.")
    timeout_s: float = dial(0.02, 0.006, "Seconds a call may take.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"client.{self.peer}.timeout": self.timeout_s, f"client.{self.peer}.breaker": 1_000_000})
