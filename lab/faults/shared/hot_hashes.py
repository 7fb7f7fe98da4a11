"""Listings' hashes that have grown to megabytes."""

from __future__ import annotations

import random
from typing import Any

from lab.faults.redis_admin import connect
from lab.faults.wanted import Wanted
from lab.place import Place

_SIMILAR = "similar:"
_LISTINGS = 100  # with all their fields a hundred megabytes, of the 256 that Redis may have


class HotHashes:
    """The listings that are asked for refer to thousands of similar ones, in the hash that is read whole."""

    def __init__(self, row: Wanted, fields: int = 12_000) -> None:
        self._fields = max(1_000, int(fields * row.intensity))

    def plan(self, place: Place) -> dict[str, Any]:
        """The hashes as they are, of the listings that were asked for last."""
        with connect(place) as redis:
            idle = {key: redis.object("idletime", key) for key in redis.scan_iter("listing:*", count=500)}
            hottest = sorted(idle, key=lambda key: idle[key])[:_LISTINGS]
            return {"hashes": {key: _as_seeded(redis.hgetall(key)) for key in hottest}}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        rng = random.Random(0)
        similar = {f"{_SIMILAR}L{number:06d}": f"{rng.random():.6f}" for number in range(self._fields)}
        with connect(place) as redis:
            for key in plan["hashes"]:
                redis.hset(key, mapping=similar)

    def go_on(self, place: Place) -> None:
        """The fields stay."""

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        """As they were, at once: field by field would take minutes."""
        with connect(place) as redis:
            for key, values in plan["hashes"].items():
                pipeline = redis.pipeline(transaction=True)
                pipeline.unlink(key)
                pipeline.hset(key, mapping=values)
                pipeline.execute()


def _as_seeded(values: dict[str, str]) -> dict[str, str]:
    """A hash without what this change adds: a plan that was lost must not make a swollen hash the usual one."""
    return {name: value for name, value in values.items() if not name.startswith(_SIMILAR)}
