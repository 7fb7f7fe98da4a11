"""The raw path of a URL becomes a label."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class RawLabels:
    """The raw path of a URL becomes a label."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"metrics.route": "path"})
