"""A tight timeout, many retries, no budget and no breaker."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial, fixed


@dataclass(frozen=True)
class EagerRetries:
    """A tight timeout, many retries, no budget and no breaker."""

    peer: str = fixed("nlp_model", "Whose client: a service, or redis.")
    timeout_s: float = dial(0.05, 0.015, "Seconds an attempt may take.")
    attempts: int = dial(3, 8, "Attempts of a call.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned(
            {
                f"client.{self.peer}.timeout": self.timeout_s,
                f"client.{self.peer}.attempts": self.attempts,
                f"client.{self.peer}.retry_late": True,
                f"client.{self.peer}.retry_budget": 20.0,
                f"client.{self.peer}.breaker": 1_000_000,
            }
        )
