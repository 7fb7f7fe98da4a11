"""Bodies are cut on their way to a peer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial, fixed


@dataclass(frozen=True)
class CutBody:
    """Bodies are cut on their way to a peer."""

    peer: str = fixed("cv_model", "Whose client: a service, or redis.")
    limit: int = dial(8_000, 3_000, "Bytes that arrive.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"client.{self.peer}.body_limit": self.limit})
