"""The healthy minute that a drill is compared with: the last one in which the lab had nothing on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lab.clients.backends import Backends
from lab.diagnosis.collect import read_period
from lab.diagnosis.window import Period
from lab.faults import audit
from lab.place import Place

MINUTE_S = 60.0
# What a fault leaves behind (an open circuit breaker, queues) is gone so long after it.
_SETTLED_S = 10.0
_LOOK_BACK_S = 1_800.0

Stretch = tuple[float, float]


def read_usual(place: Place, backends: Backends, now_s: float) -> Period:
    """The telemetry of the last minute without a fault; of the last minute at all where that one left none."""
    start, end = last_quiet(faulty(place), now_s)
    period = read_period(backends, start, end)
    return period if period.spans or end == now_s else read_period(backends, now_s - MINUTE_S, now_s)


def last_quiet(busy: Sequence[Stretch], now_s: float) -> Stretch:
    """The latest minute up to now that nothing ``busy`` touches; the last minute if half an hour had none."""
    for end in sorted({now_s, *(start for start, _ in busy)}, reverse=True):
        if now_s - _LOOK_BACK_S < end <= now_s and not any(
            start < end and until + _SETTLED_S > end - MINUTE_S for start, until in busy
        ):
            return end - MINUTE_S, end
    return now_s - MINUTE_S, now_s


def faulty(place: Place) -> list[Stretch]:
    """When faults were on (Unix seconds), by the audit."""
    found: dict[str, Stretch] = {}
    for line in audit.entries(place):
        at_s, key = datetime.fromisoformat(line["time"]).timestamp(), line.get("key")
        if line["action"] == "asked":
            found[str(key)] = (at_s, float(line["ends_at"]))
        elif line["action"] == "cleared" and key in found:
            found[key] = (found[key][0], at_s)
    return list(found.values())
