"""Deadlines that travel: how long the caller will still wait, as milliseconds in a header.

The remaining time is passed on, not a point in time, so that two machines' clocks need not agree (as gRPC's
``grpc-timeout`` does).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "x-request-timeout-ms"

_EXPIRY: ContextVar[float | None] = ContextVar("deadline", default=None)


class DeadlineExceeded(Exception):
    """The time the caller gave is used up."""


def remaining() -> float | None:
    """Seconds until the deadline (negative once past it), or None where there is none."""
    expiry = _EXPIRY.get()
    return None if expiry is None else expiry - time.monotonic()


def within(timeout: float) -> float:
    """``timeout`` in seconds, or what the deadline leaves of it. Raises DeadlineExceeded where it leaves nothing."""
    left = remaining()
    if left is None:
        return timeout
    if left <= 0:
        raise DeadlineExceeded("no time left for this call")
    return min(timeout, left)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Everything inside ends within ``seconds``, or sooner where an outer deadline is nearer."""
    expiry = time.monotonic() + seconds
    outer = _EXPIRY.get()
    token = _EXPIRY.set(expiry if outer is None else min(expiry, outer))
    try:
        yield
    finally:
        _EXPIRY.reset(token)


def parse(header: str) -> float | None:
    """Seconds from a header's milliseconds; None where it is no positive number of them."""
    return int(header) / 1000 if header.isdecimal() and 0 < len(header) <= 7 else None
