"""Few spans may wait for their export."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class ShortQueue:
    """Few spans may wait for their export."""

    items: int = dial(40, 8, "Spans.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"spans.queue": self.items})
