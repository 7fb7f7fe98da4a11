"""Requests of the marketplace's users, with the costly parts made once."""

from __future__ import annotations

import random
from dataclasses import dataclass

from marketplace.world import World

_BOUNDARY = "faultline-form-boundary-7d1f0c"
CONTENT_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"


@dataclass(frozen=True)
class Request:
    """A request ready to send: headers that differ between requests, and the whole multipart body.

    Whose visit it is stays beside it, for the events before it and the outcome after it.
    """

    headers: dict[str, str]
    body: bytes
    user_id: str
    listing_id: str
    session: str


class Bodies:
    """Draws a user and one of a bounded pool of listings; a listing's text and photo are encoded once.

    Rendering a photo costs 9 ms, sending a prediction should not. The pool is large enough to look like the whole
    market: of n listings, a feature in ten bins has a PSI of about 9 / n against all of them.
    """

    def __init__(self, seed: int, pool: int = 300) -> None:
        self.world = World()
        self._rng = random.Random(seed)
        listings = self.world.listings
        self._listing_ids = [listing.id for listing in self._rng.sample(listings, min(pool, len(listings)))]
        self._tails: dict[str, bytes] = {}

    def fill(self) -> None:
        """Encode the whole pool now, so that nothing is rendered while latency is measured."""
        for listing_id in self._listing_ids:
            self._tail(listing_id)

    def move_to(self, world: World) -> None:
        """The same listings and users in a world of other shifts; photos are made anew where these differ."""
        if world.shifts.dark_photos != self.world.shifts.dark_photos:
            self._tails.clear()
        self.world = world

    def draw(self) -> Request:
        user, listing = self._rng.choice(self.world.users).id, self._rng.choice(self._listing_ids)
        body = part("user_id", user) + self._tail(listing)
        session = f"{self._rng.getrandbits(48):012x}"
        headers = {"content-type": CONTENT_TYPE, "baggage": f"session.id={session}"}
        return Request(headers, body, user, listing, session)

    def _tail(self, listing_id: str) -> bytes:
        if listing_id not in self._tails:
            self._tails[listing_id] = b"".join(
                (
                    part("listing_id", listing_id),
                    part("description", self.world.description(listing_id)),
                    photo_part(self.world.photo(listing_id)),
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
