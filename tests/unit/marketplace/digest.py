"""One number for a whole world; also a command, so that two processes can be compared."""

from __future__ import annotations

import hashlib
import sys
from datetime import datetime

import numpy as np

from marketplace.world import World

NOON = datetime(2026, 11, 23, 12)


def digest(seed: int) -> str:
    """sha256 over every listing, description, user and neighbourhood, every fiftieth photo, sessions and outcomes."""
    world, rng, total = World(seed), np.random.default_rng(1), hashlib.sha256()
    for listing in world.listings:
        total.update(repr((listing, world.listing_features(listing.id), world.description(listing.id))).encode())
        total.update(repr(world.neighbourhood(listing.place)).encode())
    for listing in world.listings[::50]:
        total.update(world.photo(listing.id))
    for user, listing in zip(world.users, world.listings, strict=False):
        total.update(repr((user, world.session(user.id, rng, NOON))).encode())
        total.update(repr(world.outcome(user.id, listing.id, rng, NOON)).encode())
    return total.hexdigest()


if __name__ == "__main__":
    print(digest(int(sys.argv[1])))
