"""Listings' hashes that have grown to megabytes."""

from __future__ import annotations

import random
from typing import Any

from lab.faults.redis_admin import connect
from lab.faults.wanted import Wanted
from lab.place import Place

_LISTINGS = 60


class HotHashes:
    """The listings that are asked for refer to tens of thousands of similar ones, in the hash that is read whole."""

    def __init__(self, row: Wanted, fields: int = 40_000) -> None:
        self._fields = max(2_000, int(fields * row.intensity))

    def plan(self, place: Place) -> dict[str, Any]:
        """Which listings: those whose hashes were asked for last."""
        with connect(place) as redis:
            idle = {key: redis.object("idletime", key) for key in redis.scan_iter("listing:*", count=500)}
        return {"keys": sorted(idle, key=lambda key: idle[key])[:_LISTINGS]}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        rng = random.Random(0)
        values = {f"similar:L{number:06d}": round(rng.random(), 6) for number in range(self._fields)}
        rows = list(values.items())
        with connect(place) as redis:
            for key in plan["keys"]:
                for start in range(0, len(rows), 5_000):
                    redis.hset(key, mapping=dict(rows[start : start + 5_000]))

    def go_on(self, place: Place) -> None:
        """The fields stay."""

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        with connect(place) as redis:
            for key in plan["keys"]:
                grown = [name for name in redis.hkeys(key) if name.startswith("similar:")]
                for start in range(0, len(grown), 5_000):
                    redis.hdel(key, *grown[start : start + 5_000])
