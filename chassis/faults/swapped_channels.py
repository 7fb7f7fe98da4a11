"""A version of the photo model sees blue for red."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, fixed


@dataclass(frozen=True)
class SwappedChannels:
    """A version of the photo model sees blue for red."""

    version: str = fixed("v2", "Which version.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({f"cv_model.{self.version}.channels": "bgr"})
