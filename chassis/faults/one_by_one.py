"""The calls of the fan-out are awaited one after another."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class OneByOne:
    """The calls of the fan-out are awaited one after another."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"fan_out.mode": "one_by_one"})
