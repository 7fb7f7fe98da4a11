"""The lab's own connection to Redis, with all rights."""

from __future__ import annotations

from redis import Redis

from lab.place import Place


def connect(place: Place) -> Redis:
    """A connection that gives up soon: a keeper that hangs keeps nothing. Raises LabError without a password."""
    return Redis(
        host=place.hosts.redis,
        port=place.port("redis"),
        username="lab",
        password=place.secret("redis_lab"),
        socket_timeout=5,
        decode_responses=True,
    )
