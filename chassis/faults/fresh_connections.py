"""Each call opens a connection of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, fixed


@dataclass(frozen=True)
class FreshConnections:
    """Each call opens a connection of its own."""

    peer: str = fixed("nlp_model", "Whose client: a service, or redis.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"client.{self.peer}.keepalive": False})
