"""A peer's port refuses connections, and those that are open are cut."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, fixed


@dataclass(frozen=True)
class ClosedPort:
    """A peer's port refuses connections, and those that are open are cut."""

    peer: str = fixed("redis", "Whose client: a service, or redis.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"wire.{self.peer}.open": False})
