"""A crawler that asks the gateway for page after page which it does not have."""

from __future__ import annotations

import random
import time
from threading import Event, Thread
from typing import Any

import httpx

from lab.faults.wanted import Wanted
from lab.place import Place


class Crawler:
    """Asks for listings' pages as if the gateway were a web site."""

    def __init__(self, row: Wanted, per_s: float = 4.0) -> None:
        self._per_s, self._until = per_s * row.intensity, row.ends_at
        self._stop = Event()

    def plan(self, place: Place) -> dict[str, Any]:
        return {}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        _STOPS.append(self._stop)
        Thread(target=self._run, args=(place,), name="crawler", daemon=True).start()

    def go_on(self, place: Place) -> None:
        """The thread goes on by itself."""

    def _run(self, place: Place) -> None:
        with httpx.Client(base_url=place.url("gateway"), timeout=2.0, trust_env=False) as http:
            while time.time() < self._until and not self._stop.wait(1 / self._per_s):
                try:
                    http.get(f"/listings/L{random.randrange(1, 2001):06d}")
                except httpx.HTTPError:
                    self._stop.wait(1.0)  # a crawler does not care, and comes again

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        while _STOPS:
            _STOPS.pop().set()


_STOPS: list[Event] = []
