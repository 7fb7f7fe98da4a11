"""Where the time goes: exclusive time by (service, operation), this period against the baseline.

The comparison of exclusive times by operation is that of TraceAnomaly and MicroRank (Yu et al., WWW 2021) reduced to
what can be explained in a sentence: which operation's own time grew, by how much of a request, beyond its noise.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lab.diagnosis.trace import Trace, operation

if TYPE_CHECKING:
    from lab.diagnosis.window import Window

Key = tuple[str, str]
_SLICES = 6
_FEW = 5


@dataclass
class Observed:
    """One operation over a period: exclusive and whole milliseconds a span, spans a trace, and where to look."""

    own_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)
    per_trace: list[int] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)  # beside own_ms

    @property
    def count(self) -> int:
        return len(self.own_ms)

    def mean_own(self) -> float:
        return trimmed_mean(self.own_ms)

    def mean_whole(self) -> float:
        return trimmed_mean(self.whole_ms)

    def slowest(self, count: int = 3) -> tuple[str, ...]:
        """Traces in which the operation's own time was largest, each once."""
        order = sorted(range(len(self.own_ms)), key=lambda index: -self.own_ms[index])
        return tuple(dict.fromkeys(self.traces[index] for index in order[: count * 4]))[:count]


@dataclass(frozen=True)
class Growth:
    """How an operation's own time a request changed: milliseconds, as a ratio, and in noise units (z).

    ``stretch`` is by how much everything stretched; gain and ratio are what goes beyond it.
    """

    key: Key
    now_ms: float
    before_ms: float
    z: float
    traces: tuple[str, ...]
    stretch: float = 1.0

    @property
    def gain_ms(self) -> float:
        return self.now_ms - self.before_ms * self.stretch

    @property
    def ratio(self) -> float:
        return self.now_ms / max(self.before_ms * self.stretch, 0.05)


@dataclass(frozen=True)
class Profile:
    """Both periods' operations within traces that began at the door."""

    now: dict[Key, Observed]
    before: dict[Key, Observed]
    now_traces: int
    before_traces: int

    @classmethod
    def of(cls, window: Window) -> Profile:
        now, before = window.now.traces, window.before.traces
        counted_now, counted_before = len(window.now.predictions), len(window.before.predictions)
        return cls(observe(now), observe(before), max(counted_now, 1), max(counted_before, 1))

    def growth_of(self, key: Key) -> Growth | None:
        """None where either period hardly shows the operation."""
        now, before = self.now.get(key), self.before.get(key)
        if now is None or before is None or now.count < _FEW or before.count < _FEW:
            return None
        rate_now, rate_before = now.count / self.now_traces, before.count / self.before_traces
        usual = before.mean_own() * self.stretch
        noise = float(np.hypot(slice_deviation(before.own_ms), slice_deviation(now.own_ms) / 2))
        z = (now.mean_own() - usual) / max(noise, 0.02 * usual, 0.05)
        now_ms, before_ms = now.mean_own() * rate_now, before.mean_own() * rate_before
        return Growth(key, now_ms, before_ms, z, now.slowest(), self.stretch)

    @cached_property
    def stretch(self) -> float:
        """By how much the middle operation's own time grew, at least 1: a machine short of CPU stretches them all.

        Blame is for what goes beyond it. The median is not moved by one fault, which touches few operations.
        """
        ratios = [
            self.now[key].mean_own() / max(before.mean_own(), 0.01)
            for key, before in self.before.items()
            if key in self.now and min(before.count, self.now[key].count) >= _FEW
        ]
        return max(float(np.median(ratios)), 1.0) if ratios else 1.0

    @cached_property
    def growths(self) -> tuple[Growth, ...]:
        """Every operation's change, the largest gain first."""
        found = [growth for key in self.now if (growth := self.growth_of(key)) is not None]
        return tuple(sorted(found, key=lambda growth: -growth.gain_ms))

    @cached_property
    def total_gain_ms(self) -> float:
        """All gains of a request together."""
        return sum(growth.gain_ms for growth in self.growths if growth.gain_ms > 0)

    def share(self, growth: Growth) -> float:
        """The part of all gains that is this operation's."""
        return max(growth.gain_ms, 0.0) / self.total_gain_ms if self.total_gain_ms > 0 else 0.0


def observe(traces: tuple[Trace, ...]) -> dict[Key, Observed]:
    """Operations of these traces by (service, operation)."""
    table: dict[Key, Observed] = defaultdict(Observed)
    for trace in traces:
        counts: dict[Key, int] = defaultdict(int)
        for span in trace.spans:
            key = (span.service, operation(span))
            entry = table[key]
            entry.own_ms.append(trace.exclusive[span.span_id] / 1e6)
            entry.whole_ms.append(span.duration_ms)
            entry.traces.append(trace.trace_id)
            counts[key] += 1
        for key, count in counts.items():
            table[key].per_trace.append(count)
    return dict(table)


def trimmed_mean(values: list[float], cut: float = 0.02) -> float:
    """The mean without the highest share ``cut``; 0 without values."""
    if not values:
        return 0.0
    kept = np.sort(np.asarray(values))[: max(len(values) - int(len(values) * cut), 1)]
    return float(kept.mean())


def slice_deviation(values: list[float]) -> float:
    """The deviation of the means of consecutive slices: the noise that a whole period's mean is subject to."""
    if len(values) < 2 * _SLICES:
        return float(np.std(values)) if values else 0.0
    means = [trimmed_mean(list(part)) for part in np.array_split(np.asarray(values), _SLICES)]
    return float(np.std(means))
