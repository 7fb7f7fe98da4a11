"""Durations as Go writes them, with Loki's longer units: both languages and both APIs read them here."""

import re

from telemetry_store.errors import QueryError

_UNIT_NS = {
    "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
    "d": 86400e9, "w": 7 * 86400e9, "y": 365 * 86400e9,
}  # fmt: skip
_PART = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(sorted(_UNIT_NS, key=len, reverse=True))})")
_SHOWN = 40  # characters of a refused one


def duration_ns(text: str) -> int:
    """Nanoseconds of a duration such as 1h30m, 1.5ms or 2d. Raises QueryError for more than 64 bits hold."""
    total = sum(float(number) * _UNIT_NS[unit] for number, unit in _PART.findall(text))
    if total >= 2**63:
        raise QueryError(f'time: invalid duration "{text[:_SHOWN]}"')
    return round(total)
