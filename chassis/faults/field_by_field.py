"""Features are read one field a round trip."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class FieldByField:
    """Features are read one field a round trip."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"reader.strategy": "field"})
