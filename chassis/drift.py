"""Drift of features and predictions against the reference of the model that they feed.

What must add up over replicas and restarts are counters by bin (``feature_values_total``): recording rules make PSI of
them. Beside that, each replica closes windows of its own and writes one line ``feature_window`` for each.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chassis import semconv
from chassis.background import keep_running
from chassis.telemetry import Telemetry

LEAST_ROWS = 500  # the 99th percentile of an unshifted PSI is 0.046 at 500 rows, 0.21 at 100: no score below
LONGEST_ROWS = 2_000  # kept of a window, by reservoir sampling (Vitter's algorithm R, 1985)
WINDOW_S = 60.0  # a window is closed at this age, once it has enough rows
QUEUE = 5_000  # rows not binned yet
EVERY_S = 1.0
HALF = 0.5  # added to each bin's count, so that an empty one leaves PSI finite

Row = Mapping[str, float | None]


@dataclass(frozen=True)
class Reference:
    """One feature when its model was released: inner bin edges, and counts, one more than edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def bin(self, value: float) -> int:
        return bisect_right(self.edges, value)

    @property
    def shares(self) -> list[float]:
        """Of each bin, half a count added; they sum to 1."""
        return shares(self.counts)


def read_references(path: Path) -> dict[str, Reference]:
    """Every feature and prediction of a model version's ``reference.json``. Raises FileNotFoundError."""
    document = json.loads(path.read_text())
    known = {**document["features"], **document["predictions"]}
    return {name: Reference(tuple(each["edges"]), tuple(each["counts"])) for name, each in known.items()}


def watch_model(
    telemetry: Telemetry, models: Path, name: str, version: str, without: Collection[str] = ()
) -> DriftWatch:
    """A watch over everything a model version has a reference for, except ``without``."""
    references = read_references(models / name / version / "reference.json")
    return DriftWatch(telemetry, name, version, {key: each for key, each in references.items() if key not in without})


def shares(counts: Sequence[float]) -> list[float]:
    """Counts as shares of their sum, half a count added to each."""
    total = sum(counts) + HALF * len(counts)
    return [(count + HALF) / total for count in counts]


def psi(reference: Sequence[float], current: Sequence[float]) -> float:
    """Population stability index of two histograms over the same bins: the sum of (a - e) ln(a / e) over shares.

    It is Jeffreys' symmetric divergence (1946) under the name it has in credit scoring (Siddiqi, 2006).
    """
    pairs = zip(shares(current), shares(reference), strict=True)
    return sum((actual - expected) * math.log(actual / expected) for actual, expected in pairs)


def ks(reference: Sequence[float], current: Sequence[float]) -> float:
    """Kolmogorov-Smirnov distance of two histograms over the same bins, at the bins' edges.

    Between edges the reference is not known; the distance there could be larger by at most a bin's share. On bins it
    is what ``scipy.stats.ks_2samp`` gives, and a test holds it to that; scipy itself would double the memory of the
    feature store (90 MB, and 0.8 s of processor time to import) to say the same of a reference kept as deciles.
    """
    pairs = zip(_cumulative(current), _cumulative(reference), strict=True)
    return max(abs(actual - expected) for actual, expected in pairs)


def _cumulative(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [part / total for part in accumulate(counts)]


class Window:
    """Rows since the last close: all are counted, at most ``LONGEST_ROWS`` kept, each with the same chance."""

    def __init__(self, now: float) -> None:
        self.opened, self.seen = now, 0
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        self.seen += 1
        if len(self.rows) < LONGEST_ROWS:
            self.rows.append(row)
        elif (place := random.randrange(self.seen)) < LONGEST_ROWS:
            self.rows[place] = row

    def is_due(self, now: float) -> bool:
        return self.seen >= LEAST_ROWS and now - self.opened >= WINDOW_S


class DriftWatch(AbstractAsyncContextManager["DriftWatch"]):
    """Watches the values that one model version is fed and gives.

    ``see`` costs a request one append; bins and windows are made once a second, off its path. ``async with`` runs it.
    """

    def __init__(
        self, telemetry: Telemetry, model_name: str, model_version: str, references: Mapping[str, Reference]
    ) -> None:
        self.telemetry, self.references = telemetry, references
        self.labels = {"model_name": model_name, "model_version": model_version}
        self._queue: deque[Row] = deque()
        self._window = Window(time.monotonic())
        self._show_references()

    def see(self, row: Row) -> None:
        """One row: value by feature; a feature that is absent, None or no number is a null."""
        if len(self._queue) >= QUEUE:
            self.telemetry.count(semconv.FEATURE_ROWS_DROPPED, **self.labels)
            return
        self._queue.append(row)

    async def __aenter__(self) -> Self:
        self._task = keep_running(self.telemetry, self._run, f"drift of {self.labels['model_name']}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._task.cancel()
        self.bin_queued()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            self.bin_queued()
            if self._window.is_due(time.monotonic()):
                window, self._window = self._window, Window(time.monotonic())
                # Sorting 2 000 rows of 20 features takes some 20 ms.
                await asyncio.to_thread(self.close, window)

    def bin_queued(self) -> None:
        """Count what has been seen since the last call."""
        rows = [self._queue.popleft() for _ in range(len(self._queue))]
        for row in rows:
            self._window.add(row)
        for feature, reference in self.references.items() if rows else ():
            values = known_values(rows, feature)
            for number, count in Counter(map(reference.bin, values)).items():
                self.telemetry.count(semconv.FEATURE_VALUES, count, feature=feature, bin=str(number), **self.labels)
            if nulls := len(rows) - len(values):
                self.telemetry.count(semconv.FEATURE_NULLS, nulls, feature=feature, **self.labels)

    def close(self, window: Window) -> None:
        """Score a window: gauges, and the line ``feature_window``."""
        told = {feature: _statistics(reference, window.rows, feature) for feature, reference in self.references.items()}
        for feature, numbers in told.items():
            if "ks" in numbers:
                self.telemetry.gauge(semconv.FEATURE_KS, numbers["ks"], feature=feature, **self.labels)
        self.telemetry.gauge(semconv.FEATURE_WINDOW_ROWS, window.seen, **self.labels)
        self.telemetry.gauge(semconv.FEATURE_WINDOW_CLOSED, time.time(), **self.labels)
        line = self.telemetry.log.bind(n=window.seen, features=told, **self.labels)
        line.info("feature_window")

    def _show_references(self) -> None:
        """The reference as series beside the counters, all bins from the start: rules divide one by the other."""
        for feature, reference in self.references.items():
            for number, share in enumerate(reference.shares):
                labels = {"feature": feature, "bin": str(number), **self.labels}
                self.telemetry.gauge(semconv.FEATURE_REFERENCE, share, **labels)
                self.telemetry.count(semconv.FEATURE_VALUES, 0, **labels)


def known_values(rows: Sequence[Row], feature: str) -> list[float]:
    """A feature's values that are finite numbers."""
    values = (row.get(feature) for row in rows)
    return [value for value in values if value is not None and math.isfinite(value)]


def _statistics(reference: Reference, rows: Sequence[Row], feature: str) -> dict[str, Any]:
    """Numbers of one feature in a window; without scores where fewer than ``LEAST_ROWS`` values are known."""
    values = sorted(known_values(rows, feature))
    told: dict[str, Any] = {"null_share": round(1 - len(values) / len(rows), 4)}
    if not values:
        return told
    # Divided before they are added or squared: one absurd value may be as large as a float goes.
    mean = math.fsum(value / len(values) for value in values)
    told["mean"] = _short(mean)
    told["deviation"] = _short(math.hypot(*((value - mean) / math.sqrt(len(values)) for value in values)))
    told |= {f"p{percent}": _short(_percentile(values, percent)) for percent in (5, 50, 95)}
    if len(values) >= LEAST_ROWS:
        bins = Counter(map(reference.bin, values))
        counts = [bins[number] for number in range(len(reference.counts))]
        told |= {"psi": round(psi(reference.counts, counts), 4), "ks": round(ks(reference.counts, counts), 4)}
    return told


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Nearest rank."""
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def _short(value: float) -> float:
    return float(f"{value:.5g}")
