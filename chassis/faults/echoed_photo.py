"""Answers carry the photo they were asked with, as text, in several renditions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class EchoedPhoto:
    """Answers carry the photo they were asked with, as text, in several renditions."""

    renditions: int = dial(4, 60, "Copies in one answer.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"answer.renditions": self.renditions})
