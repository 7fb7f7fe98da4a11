"""A classic histogram with the newest exemplar of each bucket: plain lists, as it is filled fast."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.samples import Exemplar

# Seconds; the collector's configuration in deploy/ has the same edges.
EDGES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
_NAMES = (*(str(edge) for edge in EDGES), "+Inf")


@dataclass(slots=True)
class Histogram:
    """Counts by bucket (not cumulated), their sum, and (trace id, span id, value, time) of a bucket's newest."""

    counts: list[int] = field(default_factory=lambda: [0] * len(_NAMES))
    total: float = 0.0
    exemplars: list[tuple[bytes, bytes, float, float] | None] = field(default_factory=lambda: [None] * len(_NAMES))

    def add(self, seconds: float, trace_id: bytes, span_id: bytes, moment: float) -> None:
        """Count a value; `moment` in seconds since the epoch."""
        place = bisect_left(EDGES, seconds)
        self.counts[place] += 1
        self.total += seconds
        self.exemplars[place] = (trace_id, span_id, seconds, moment)

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def buckets(self) -> list[Any]:
        """(upper edge, cumulative count, exemplar) as prometheus-client takes them."""
        found, below = [], 0
        for name, count, exemplar in zip(_NAMES, self.counts, self.exemplars, strict=True):
            below += count
            found.append((name, float(below), _exemplar(exemplar)))
        return found


def _exemplar(found: tuple[bytes, bytes, float, float] | None) -> Exemplar | None:
    if found is None:
        return None
    trace_id, span_id, seconds, moment = found
    return Exemplar({"trace_id": trace_id.hex(), "span_id": span_id.hex()}, seconds, moment)
