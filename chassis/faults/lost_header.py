"""Calls to a peer do not carry the trace they belong to."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, fixed


@dataclass(frozen=True)
class LostHeader:
    """Calls to a peer do not carry the trace they belong to."""

    peer: str = fixed("cv_model", "Whose client: a service, or redis.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"client.{self.peer}.propagate": False})
