"""Connections to a peer are reset half-way through an answer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial, fixed


@dataclass(frozen=True)
class BrokenAnswers:
    """Connections to a peer are reset half-way through an answer."""

    peer: str = fixed("redis", "Whose client: a service, or redis.")
    part: float = dial(0.02, 0.35, "Share of the answers.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"wire.{self.peer}.reset": self.part})
