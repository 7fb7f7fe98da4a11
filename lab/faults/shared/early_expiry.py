"""Users' features that expire before their time."""

from __future__ import annotations

import zlib
from typing import Any

from lab.faults.redis_admin import connect
from lab.faults.wanted import Wanted
from lab.place import Place


class EarlyExpiry:
    """Behaviour features of a share of the users expire within a second, again and again; kept aside for later."""

    def __init__(self, row: Wanted) -> None:
        self._share = row.intensity
        self._keys: list[str] = []

    def plan(self, place: Place) -> dict[str, Any]:
        """The hashes as they are: they come back, unless newer values have come meanwhile."""
        with connect(place) as redis:
            keys = [key for key in redis.scan_iter("user:*", count=1000) if key.count(":") == 1 and self._meant(key)]
            pipeline = redis.pipeline(transaction=False)
            for key in keys:
                pipeline.hgetall(key)
            return {"hashes": dict(zip(keys, pipeline.execute(), strict=True))}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        self._keys = list(plan["hashes"])
        self.go_on(place)

    def go_on(self, place: Place) -> None:
        with connect(place) as redis:
            pipeline = redis.pipeline(transaction=False)
            for key in self._keys:
                pipeline.pexpire(key, 500, nx=True)
            pipeline.execute()

    def _meant(self, key: str) -> bool:
        return zlib.crc32(key.encode()) % 1000 < self._share * 1000

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        with connect(place) as redis:
            pipeline = redis.pipeline(transaction=False)
            for key, values in plan["hashes"].items():
                pipeline.persist(key)
                for name, value in values.items():
                    pipeline.hsetnx(key, name, value)
            pipeline.execute()
