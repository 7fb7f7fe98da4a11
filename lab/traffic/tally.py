"""What came of the traffic: counts, and latency from the moment each request was due."""

from __future__ import annotations

import heapq
import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

OBJECTIVE_MS = 100.0
_SLOWEST_KEPT = 5


@dataclass
class Tally:
    """Counts of one stretch of traffic.

    ``due`` = answered + failed + not_sent + those still in flight. ``failed`` counts by HTTP status, or by the name
    of the error where no answer came. ``latencies_ms`` are of the answered, from the intended send time.
    """

    due: int = 0
    not_sent: int = 0
    degraded: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    slowest: list[tuple[float, str]] = field(default_factory=list)

    def answered(self, latency_ms: float, *, degraded: bool, trace_id: str) -> None:
        self.latencies_ms.append(latency_ms)
        self.degraded += degraded
        heapq.heappush(self.slowest, (latency_ms, trace_id))
        if len(self.slowest) > _SLOWEST_KEPT:
            heapq.heappop(self.slowest)


@dataclass(frozen=True)
class Summary:
    """A tally in numbers. Latencies in ms are NaN without any answer.

    ``under_objective`` is the share of all requests that were due (and are not still in flight) that were answered
    well within 100 ms: an error, and a request that could not be sent, count against it.
    """

    seconds: float
    due: int
    answered: int
    degraded: int
    not_sent: int
    failed: dict[str, int]
    answered_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    under_objective: float
    slowest: list[tuple[float, str]]


def summarise(tally: Tally, seconds: float) -> Summary:
    ordered = sorted(tally.latencies_ms)
    answered, failed = len(ordered), sum(tally.failed.values())
    settled = answered + failed + tally.not_sent
    under = sum(latency <= OBJECTIVE_MS for latency in ordered)
    return Summary(
        seconds=round(seconds, 3),
        due=tally.due,
        answered=answered,
        degraded=tally.degraded,
        not_sent=tally.not_sent,
        failed=dict(tally.failed),
        answered_per_s=round(answered / seconds, 3) if seconds > 0 else 0.0,
        p50_ms=percentile(ordered, 0.5),
        p90_ms=percentile(ordered, 0.9),
        p99_ms=percentile(ordered, 0.99),
        p999_ms=percentile(ordered, 0.999),
        max_ms=percentile(ordered, 1.0),
        under_objective=under / settled if settled else math.nan,
        slowest=sorted(((round(ms, 1), trace_id) for ms, trace_id in tally.slowest), reverse=True),
    )


def json_fields(summary: Summary) -> dict[str, object]:
    """For JSON, which knows no NaN: what could not be measured is null."""
    numbers = asdict(summary)
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in numbers.items()}


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least ``share`` of all values do not exceed; NaN without values.

    >>> percentile([10.0, 20.0, 30.0, 40.0], 0.5)
    20.0
    """
    if not ordered:
        return math.nan
    rank = max(1, math.ceil(share * len(ordered) - 1e-9))
    return round(ordered[rank - 1], 2)


def report_lines(summary: Summary) -> list[str]:
    """The closing report for people."""
    failed = ", ".join(f"{count}× {name}" for name, count in sorted(summary.failed.items())) or "none"
    lines = [
        f"{summary.answered} predictions answered in {summary.seconds:.1f} s ({summary.answered_per_s:.2f}/s)"
        f" of {summary.due} due",
        f"errors        {failed}",
        f"not sent      {summary.not_sent}   (too many in flight)",
        f"degraded      {summary.degraded}",
        f"latency ms    p50 {summary.p50_ms:.1f}   p90 {summary.p90_ms:.1f}   p99 {summary.p99_ms:.1f}"
        f"   p99.9 {summary.p999_ms:.1f}   max {summary.max_ms:.1f}   (from the time each was due)",
        f"under 100 ms  {summary.under_objective:.2%}",
    ]
    lines += [f"slowest       {ms:.1f} ms  trace {trace_id}" for ms, trace_id in summary.slowest]
    return lines
