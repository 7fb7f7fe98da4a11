"""Accepted events are no longer counted."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class HaltedConsumer:
    """Accepted events are no longer counted."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"events.counting": False})
