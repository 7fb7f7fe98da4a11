"""Error lines carry no ids."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class BareLines:
    """Error lines carry no ids."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"logs.correlate": "below_error"})
