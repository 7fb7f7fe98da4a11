"""Photos are taken up to another number of pixels."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class PhotoLimit:
    """Photos are taken up to another number of pixels."""

    pixels: int = dial(5_000_000, 30_000_000, "Most pixels of a photo.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"photo.max_pixels": self.pixels})
