"""A script that keeps the single-threaded Redis busy."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import Any

from redis.exceptions import RedisError

from lab.faults.redis_admin import connect
from lab.faults.wanted import Wanted
from lab.place import Place

# What somebody's nightly statistics might look like.
_SCRIPT = """
local total, began = 0, redis.call('TIME')
repeat
  for _, key in ipairs(redis.call('KEYS', 'listing:*')) do
    total = total + (tonumber(redis.call('HGET', key, 'list_price')) or 0)
  end
  local now = redis.call('TIME')
until (now[1] - began[1]) * 1000000 + now[2] - began[2] > tonumber(ARGV[1])
return tostring(total)
"""


class BusyScript:
    """Statistics over all listings, again and again; for as long as the keeper lives, and no longer than wanted."""

    def __init__(self, row: Wanted, busy_ms: float = 160.0, pause_s: float = 0.25) -> None:
        self._busy_us, self._pause_s = int(busy_ms * 1000 * row.intensity), pause_s
        self._until, self._stop = row.ends_at, Event()

    def plan(self, place: Place) -> dict[str, Any]:
        return {}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        _STOPS.append(self._stop)
        Thread(target=self._run, args=(place,), name="statistics", daemon=True).start()

    def go_on(self, place: Place) -> None:
        """The thread goes on by itself."""

    def _run(self, place: Place) -> None:
        with connect(place) as redis:
            while time.time() < self._until and not self._stop.wait(self._pause_s):
                try:
                    redis.eval(_SCRIPT, 0, str(self._busy_us))
                except RedisError:
                    self._stop.wait(1.0)  # Redis restarts, or is slow: later again

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        """Nothing is left behind in Redis; what runs in this process ends."""
        while _STOPS:
            _STOPS.pop().set()


_STOPS: list[Event] = []
