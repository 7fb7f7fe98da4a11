"""``python -m marketplace.load`` fills Redis with the marketplace's listings, users and places."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from redis import Redis, exceptions

from chassis.redis import PORT
from chassis.settings import Settings
from marketplace.world import World

CHUNK = 500
Row = dict[str, float | str]


def main() -> None:
    """Waits for Redis, loads, says how much. Exits 1 where Redis does not answer in time."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.load", description=__doc__)
    parser.add_argument("--wait", type=float, default=30.0, help="seconds to wait for Redis")
    wait = parser.parse_args().wait
    settings = Settings()
    redis = Redis(
        host=settings.redis_host,
        port=PORT + settings.port_offset,
        username="loader",
        password=settings.secret("redis_loader"),
        socket_timeout=5,
    )
    if not _answers(redis, wait):
        sys.exit(f"Redis does not answer on {settings.redis_host}:{PORT + settings.port_offset} within {wait:g} s.")
    world = World()
    load(redis, world)
    print(f"loaded {len(world.listings)} listings and {len(world.users)} users")


def load(redis: Redis, world: World) -> None:
    """Writes every listing, user and place. Repeating it changes nothing but the users' ``updated_at``.

    A user's own events are newer than the world's behaviour at rest, so a user who is there already is left alone.
    """
    for chunk in _chunks(list(_listings(world))):
        _write(redis, chunk)
    for place, prices in _places(world).items():
        redis.hset(f"place:{place}", mapping=prices)  # type: ignore[arg-type]
    for chunk in _chunks(list(_users(redis, world))):
        _write(redis, chunk)


def _answers(redis: Redis, wait: float) -> bool:
    """Whether Redis answers, and has read its file, within ``wait`` seconds."""
    until = time.monotonic() + wait
    while time.monotonic() < until:
        try:
            redis.ping()
        except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.BusyLoadingError):
            time.sleep(0.2)
        else:
            return True
    return False


def _listings(world: World) -> Iterator[tuple[str, Row]]:
    for listing in world.listings:
        yield f"listing:{listing.id}", world.listing_features(listing.id)


def _users(redis: Redis, world: World) -> Iterator[tuple[str, Row]]:
    now = time.time()
    present = {key.decode() for key in redis.scan_iter("user:*", count=1000)}
    for user in world.users:
        if f"user:{user.id}" not in present:
            yield f"user:{user.id}", {**world.user_features(user.id), "updated_at": now}


def _places(world: World) -> dict[str, dict[str, float]]:
    """Price per square metre by listing, by place: what neighbourhood statistics are made of."""
    places: dict[str, dict[str, float]] = {}
    for listing in world.listings:
        features = world.listing_features(listing.id)
        per_m2 = float(features["list_price"]) / float(features["area_m2"])
        places.setdefault(str(features["place"]), {})[listing.id] = per_m2
    return places


def _chunks(rows: list[tuple[str, Row]]) -> Iterator[list[tuple[str, Row]]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _write(redis: Redis, rows: list[tuple[str, Row]]) -> None:
    pipeline = redis.pipeline(transaction=False)
    for key, row in rows:
        pipeline.hset(key, mapping=row)  # type: ignore[arg-type]
    pipeline.execute()


if __name__ == "__main__":
    main()
