"""The time a service believes in: spans and log lines are stamped by it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Wall-clock time in nanoseconds since the epoch, plus an offset that may be set while the service runs.

    The offset exists because machines' clocks do differ; durations are never measured with this clock.
    """

    __slots__ = ("offset_ns",)

    def __init__(self, offset_ns: int = 0) -> None:
        self.offset_ns = offset_ns

    def now_ns(self) -> int:
        """Nanoseconds since the epoch, as this service sees them."""
        return time.time_ns() + self.offset_ns

    @property
    def offset_s(self) -> float:
        return self.offset_ns / 1e9

    @offset_s.setter
    def offset_s(self, seconds: float) -> None:
        self.offset_ns = int(seconds * 1e9)


def rfc3339(nanoseconds: int) -> str:
    """A timestamp in UTC with milliseconds: ``2026-01-31T09:30:00.125Z``."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
