"""Another version of the feature definitions is served: the living area in square feet."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class OtherUnits:
    """Another version of the feature definitions is served: the living area in square feet."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"features.version": "v2"})
