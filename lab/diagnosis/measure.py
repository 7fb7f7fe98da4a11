"""Small arithmetic that the detectors share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lab.clients.telemetry import LogLine, Span
from lab.diagnosis.profile import Growth

if TYPE_CHECKING:
    from lab.diagnosis.window import Window

_WEAK, _SURE = 0.35, 0.97
_LEAST_GAIN_MS = 4.0
_LEAST_RATIO = 1.8
_LEAST_Z = 4.0
_BINS = 10
_SMALLEST_SHARE = 0.005


def graded(value: float, weak: float, sure: float) -> float:
    """Evidence as a strength: 0 below ``weak``, then rising to 0.97 at ``sure`` and beyond."""
    if value < weak:
        return 0.0
    return _WEAK + (_SURE - _WEAK) * min((value - weak) / (sure - weak), 1.0)


def ratio(now: float, before: float, floor: float) -> float:
    """How many times as large; a baseline below ``floor`` counts as ``floor``."""
    return now / max(before, floor)


def slowed(growth: Growth | None, least_ms: float = _LEAST_GAIN_MS) -> bool:
    """Whether an operation's own time grew beyond noise, beyond half as much again, and enough to matter."""
    return growth is not None and growth.gain_ms >= least_ms and growth.ratio >= _LEAST_RATIO and growth.z >= _LEAST_Z


def slowest_own(window: Window, service: str, *, clients: bool = False, waits: bool = True) -> Growth | None:
    """The operation of a service whose own time grew most; calls and Redis only with ``clients``, no wait for a batch
    without ``waits``."""
    for growth in window.profile.growths:
        name = growth.key[1]
        looked_at = (clients or not is_call(name)) and (waits or name != "batch_wait")
        if growth.key[0] == service and looked_at and slowed(growth):
            return growth
    return None


def is_call(name: str) -> bool:
    return name == "Redis" or name.startswith("call ")


def mean_attribute(spans: Iterable[Span], name: str, service: str = "") -> float | None:
    """The mean of a numeric attribute over the spans that carry it."""
    values = [
        float(value) for span in spans
        if (not service or span.service == service)
        and isinstance(value := span.attributes.get(name), int | float)
    ]  # fmt: skip
    return float(np.mean(values)) if values else None


def examples(spans: Iterable[Span], count: int = 3) -> tuple[str, ...]:
    """Trace ids of the first spans, each once."""
    found: dict[str, None] = {}
    for span in spans:
        found.setdefault(span.trace_id)
        if len(found) == count:
            break
    return tuple(found)


def lines(logs: Iterable[LogLine], *, services: Iterable[str] = (), having: Iterable[str] = ()) -> tuple[str, ...]:
    """Up to three different lines as people read them: of these services, holding any of these words."""
    wanted, words = set(services), [word.lower() for word in having]
    found: dict[str, None] = {}
    for line in logs:
        text = line.body.lower()
        if (not wanted or line.service in wanted) and (not words or any(word in text for word in words)):
            found.setdefault(f"{line.service} {line.level}: {line.body.splitlines()[0][:200] if line.body else ''}")
        if len(found) == 3:
            break
    return tuple(found)


def population_stability(now: Mapping[str, float], before: Mapping[str, float]) -> float:
    """PSI of two histograms by bin: the sum of (p - q) ln(p / q) (Siddiqi, "Credit Risk Scorecards", 2006).

    A bin counts as half a per cent at least, so that an empty one gives no infinity; 0 where a side is empty.
    """
    total_now, total_before = sum(now.values()), sum(before.values())
    if total_now <= 0 or total_before <= 0:
        return 0.0
    total = 0.0
    for name in now.keys() | before.keys():
        p = max(now.get(name, 0.0) / total_now, _SMALLEST_SHARE)
        q = max(before.get(name, 0.0) / total_before, _SMALLEST_SHARE)
        total += (p - q) * float(np.log(p / q))
    return total


def expected_psi(now: float, before: float, bins: int = _BINS) -> float:
    """What PSI two samples of one distribution show by chance: (bins - 1)(1/n + 1/m) (Yurdakul, 2018)."""
    return (bins - 1) * (1 / max(now, 1.0) + 1 / max(before, 1.0))


def two_proportion_z(hits: float, count: float, base_hits: float, base_count: float) -> float:
    """The z score of the difference of two shares with a pooled variance; 0 where a side is empty."""
    if count <= 0 or base_count <= 0:
        return 0.0
    pooled = (hits + base_hits) / (count + base_count)
    variance = pooled * (1 - pooled) * (1 / count + 1 / base_count)
    return (hits / count - base_hits / base_count) / float(np.sqrt(max(variance, 1e-9)))
