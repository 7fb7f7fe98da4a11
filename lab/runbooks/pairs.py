"""Moments at which a fault was on, or none, and what each runbook says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.faults.catalogue import ROWS
from lab.runbooks.model import Runbook
from lab.runbooks.run import run
from lab.runbooks.sources import Sources

_SHORT_S, _LONG_S = 20.0, 45.0  # windows of what shows at once, and of what needs rows
# A moment without a fault is healthy where nearly all answers are complete and most are in time, and no service shows
# too many series: those of a past fault may still be there. A runbook that points to such a thing is right.
WELL = (
    'sum(rate(predictions_total{outcome="complete"}[1m])) / sum(rate(predictions_total[1m])) > 0.98 and '
    'sum(rate(prediction_duration_seconds_bucket{service_name="gateway", le="0.1"}[1m])) '
    '/ sum(rate(prediction_duration_seconds_count{service_name="gateway"}[1m])) > 0.6 and '
    'max(scrape_samples_post_metric_relabeling{job="services"}) < 2000'
)


@dataclass(frozen=True)
class Moment:
    """A time at which a fault was on, or none (an empty id), and how long it had been so."""

    fault: str
    at: float
    window_s: float


@dataclass(frozen=True)
class Pair:
    """What a runbook said at a moment. ``expected`` and ``pointed`` are kinds of faults, empty for none."""

    alert: str
    fault: str
    expected: str
    pointed: str
    at: float
    window_s: float
    held: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return self.pointed == self.expected


def moments(folder: Path) -> Iterator[Moment]:
    """Those of a tour's recordings: each fault just before its end, and the healthy time before it."""
    for fault, row in ROWS.items():
        path = folder / f"{fault}.json"
        if not path.exists():
            continue
        document = json.loads(path.read_text())
        times, window = document["windows"], _LONG_S if row.back == "w" else _SHORT_S
        end = times["off"] - document["gone_after_s"] - 1
        yield Moment(fault, end, min(window, end - times["on"]))
        if row.back == "w":  # before the others lie seconds only, and the end of another fault
            yield Moment("", times["before"] + _LONG_S, _LONG_S)


def pairs(sources: Sources, found: Sequence[Moment], books: Sequence[Runbook]) -> Iterator[Pair]:
    """Each runbook at each moment that concerns it: of the faults it is for, and every one at which nothing was."""
    for moment in found:
        if not moment.fault and not healthy(sources, moment):
            continue
        for book in books:
            if not moment.fault or moment.fault in (*book.causes, *book.also):
                yield pair(sources, moment, book)


def healthy(sources: Sources, moment: Moment) -> bool:
    return bool(sources.prometheus.query(WELL.replace("[1m]", f"[{moment.window_s:.0f}s]"), moment.at))


def pair(sources: Sources, moment: Moment, book: Runbook) -> Pair:
    """One runbook at one moment, asked without labels, as where the alert does not fire yet."""
    ran = run(sources, book, {}, moment.at, moment.window_s)
    expected = ROWS[moment.fault].kind if moment.fault else ""
    pointed = ran["branch"]["kind"] if ran["branch"] else ""
    held = [step["name"] for step in ran["steps"] if step["holds"]]
    failed = [
        f"{step['name']}: {step['error']}"
        for step in ran["steps"]
        if step["error"] and step["language"] != "faultline"  # commands look at the running system only
    ]
    return Pair(book.alert, moment.fault, expected, pointed, moment.at, moment.window_s, held, failed)
