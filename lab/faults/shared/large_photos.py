"""Customers who send photos as large as their cameras make them."""

from __future__ import annotations

import io
import time
from threading import Event, Thread
from typing import Any

import httpx
from PIL import Image

from lab.faults.wanted import Wanted
from lab.place import Place
from marketplace.world import World


class LargePhotos:
    """Predictions of their own, with a photo of so many megapixels, beside the usual traffic."""

    def __init__(self, row: Wanted, per_s: float = 1.0, width: int = 6_000, height: int = 4_000) -> None:
        self._per_s, self._size, self._until = per_s, (width, height), row.ends_at
        self._stop = Event()

    def plan(self, place: Place) -> dict[str, Any]:
        return {}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        _STOPS.append(self._stop)
        Thread(target=self._run, args=(place,), name="customers", daemon=True).start()

    def go_on(self, place: Place) -> None:
        """The thread goes on by itself."""

    def _run(self, place: Place) -> None:
        world = World()
        photo = _enlarged(world.photo("L000001"), self._size)
        form = {"user_id": "U000001", "listing_id": "L000001", "description": world.description("L000001")}
        headers = {"x-api-key": place.api_key("traffic")}
        with httpx.Client(base_url=place.url("gateway"), headers=headers, timeout=10, trust_env=False) as http:
            while time.time() < self._until and not self._stop.wait(1 / self._per_s):
                try:
                    http.post("/v1/predictions", data=form, files={"photo": ("photo.jpg", photo, "image/jpeg")})
                except httpx.HTTPError:
                    self._stop.wait(1.0)  # a customer tries again

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        while _STOPS:
            _STOPS.pop().set()


_STOPS: list[Event] = []


def _enlarged(photo: bytes, size: tuple[int, int]) -> bytes:
    """The same picture with more pixels, within the gateway's limit on bytes."""
    large = io.BytesIO()
    Image.open(io.BytesIO(photo)).resize(size).save(large, "JPEG", quality=40)
    return large.getvalue()
