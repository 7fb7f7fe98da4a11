"""What a failed part would have said is made up, and nobody is told."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class QuietDefault:
    """What a failed part would have said is made up, and nobody is told."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"fan_out.missing": "typical"})
