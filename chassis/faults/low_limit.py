"""The gateway lets fewer requests in than come."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class LowLimit:
    """The gateway lets fewer requests in than come."""

    per_s: float = dial(6.0, 2.0, "Requests a second.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"admission.limit": self.per_s})
