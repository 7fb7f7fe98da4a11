"""Requests of the marketplace's users, with the costly parts made once."""

from __future__ import annotations

import random
from dataclasses import dataclass

from marketplace.world import World

_BOUNDARY = "faultline-form-boundary-7d1f0c"
CONTENT_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"


@dataclass(frozen=True)
class Request:
    """A request ready to send: headers that differ between requests, and the whole multipart body."""

    headers: dict[str, str]
    body: bytes


class Bodies:
    """Draws a user and one of a bounded pool of listings; a listing's text and photo are encoded once.

    Rendering a photo costs some milliseconds, sending a prediction should not.
    """

    def __init__(self, seed: int, pool: int = 64) -> None:
        self._world = World()
        self._rng = random.Random(seed)
        listings = self._world.listings
        self._listing_ids = [listing.id for listing in self._rng.sample(listings, min(pool, len(listings)))]
        self._tails: dict[str, bytes] = {}

    def fill(self) -> None:
        """Encode the whole pool now, so that nothing is rendered while latency is measured."""
        for listing_id in self._listing_ids:
            self._tail(listing_id)

    def draw(self) -> Request:
        user = self._rng.choice(self._world.users).id
        body = part("user_id", user) + self._tail(self._rng.choice(self._listing_ids))
        session = f"{self._rng.getrandbits(48):012x}"
        return Request({"content-type": CONTENT_TYPE, "baggage": f"session.id={session}"}, body)

    def _tail(self, listing_id: str) -> bytes:
        if listing_id not in self._tails:
            self._tails[listing_id] = b"".join(
                (
                    part("listing_id", listing_id),
                    part("description", self._world.description(listing_id)),
                    photo_part(self._world.photo(listing_id)),
                    f"--{_BOUNDARY}--\r\n".encode(),
                )
            )
        return self._tails[listing_id]


def part(name: str, value: str) -> bytes:
    """A text field of a multipart form (RFC 7578)."""
    return f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def photo_part(photo: bytes) -> bytes:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + photo + b"\r\n"
