"""Recording one fault: a healthy window, the fault, its end, and whether everything came back."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from lab.clients.telemetry import LogLine, Span
from lab.faults import asking, state
from lab.faults.catalogue import ROWS
from lab.faults.row import Row, ServiceEffect
from lab.faults.signals import Signal
from lab.place import Place
from lab.tour.names import Names, names, told
from lab.tour.reader import EVERYTHING, Reader, Window

ARRIVAL_S = 3.5  # until a span is exported, written and found
GONE_WITHIN_S = 10.0
CALM = 0.35  # errors a second, one prediction in twenty: with more of them a window shows nobody's health
LOOKS = 3
ERRORS = 'sum(rate(http_requests_total{service_name="gateway",route="/v1/predictions",status!="200"}[w])) or vector(0)'
MEDIAN = 'histogram_quantile(0.5, sum by (le) (rate(prediction_duration_seconds_bucket{service_name="gateway"}[w])))'


@dataclass(frozen=True)
class Times:
    """Seconds: ``healthy`` before, ``settle`` until the fault shows, ``on`` while it is measured, ``back`` after it.

    ``window`` replaces ``healthy`` and ``on``, before, during and after, for signals that need one: drift, precision,
    memory, series.
    """

    healthy: float = 13.0
    settle: float = 5.5
    on: float = 15.0
    back: float = 4.0
    window: float = 45.0

    def quiet(self, row: Row) -> float:
        """Seconds of a look without the fault."""
        return self.window if row.back == "w" else self.healthy

    def ill(self, row: Row) -> float:
        """Seconds of the look at the fault."""
        return self.window if row.back == "w" else self.on


@dataclass(frozen=True)
class Recording:
    """What a fault's run showed. Signals by their text; NaN is written as null."""

    fault: str
    before: dict[str, float]
    during: dict[str, float]
    after: dict[str, float]
    names_before: Names
    names_during: Names
    told: list[str]
    gone_after_s: float
    windows: dict[str, float]

    def as_json(self) -> str:
        return json.dumps(_without_nan(asdict(self)), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Recording:
        document = json.loads(text)
        for part in ("before", "during", "after"):
            document[part] = {key: math.nan if value is None else value for key, value in document[part].items()}
        return cls(**document)


def signals_of(row: Row) -> list[Signal]:
    """The signals of a row and of its look-alikes."""
    rows = [row, *(ROWS[other] for other in row.look_alikes)]
    return list({str(each.signal): each.signal for one in rows for each in one.evidence}.values())


@dataclass
class Look:
    """A window that has passed, with its traces and names; any signal's number over it can still be asked for."""

    window: Window
    traces: list[list[Span]]
    lines: list[LogLine]
    names: Names
    denials: float

    def values(self, reader: Reader, row: Row, signals: list[Signal]) -> dict[str, float]:
        return reader.read(signals, self.window, self.traces, self.denials) | _vital(reader, row, self.window)


def look(reader: Reader, seconds: float) -> Look:
    """A window from now on, looked at once its telemetry has arrived."""
    start = time.time()
    time.sleep(seconds)
    window = Window(start, time.time())
    time.sleep(ARRIVAL_S)
    denials, traces, lines = reader.denials(window), reader.traces(window), reader.lines(EVERYTHING, window)
    return Look(window, traces, lines, names(reader, traces, lines), denials)


def is_calm(reader: Reader, seen: Look) -> bool:
    """Whether hardly a prediction failed: what else the machine does must not pass for health."""
    return reader.number(ERRORS, seen.window) <= CALM


def calm_look(reader: Reader, seconds: float) -> Look:
    """A window without faults and failures; one that the machine has spoilt is looked at anew, up to twice."""
    for _ in range(LOOKS - 1):
        if is_calm(reader, seen := look(reader, seconds)):
            return seen
    return look(reader, seconds)


def record(
    reader: Reader, row: Row, times: Times, tell: Callable[[str], None], healthy: Look | None = None
) -> tuple[Recording, Look]:
    """Run one fault and record it; with it the look after it, which may serve as the healthy one before the next.

    ``healthy`` serves as the look before where it is long enough and calm. Raises LabError where the fault
    cannot be switched on.
    """
    place = reader.place
    before = healthy
    if before is None or before.window.seconds < times.quiet(row) or not is_calm(reader, before):
        before = calm_look(reader, times.quiet(row))
    made = asking.order(place, asking.Ask(row.id, seconds=times.settle + times.window + 60))
    try:
        tell("on")
        state.wait_on(place, made.key, within_s=20)
        time.sleep(times.settle)
        during = look(reader, times.ill(row))
        words = told(reader, during.traces, during.lines, secret_words())
    finally:
        asking.clear(place, made.key)
    gone, off = _gone(place, made.key), time.time()
    tell("coming back")
    time.sleep(times.back + row.lingers_s)
    after = look(reader, times.quiet(row))
    return Recording(
        fault=row.id,
        before=before.values(reader, row, signals_of(row)),
        during=during.values(reader, row, signals_of(row)),
        after=after.values(reader, row, [each.signal for each in row.evidence]),
        names_before=before.names,
        names_during=during.names,
        told=words,
        gone_after_s=gone,
        windows={"before": before.window.start, "on": during.window.start, "off": off, "after": after.window.start},
    ), after


def _vital(reader: Reader, row: Row, window: Window) -> dict[str, float]:
    """What the silence of a fault, and the failures of its edge, are judged by."""
    found = {"errors": reader.number(ERRORS, window), "median": reader.number(MEDIAN, window)}
    if row.edge:
        labels = f'client="{row.edge[0]}",server="{row.edge[1]}"'
        query = f"sum(increase(traces_service_graph_request_failed_total{{{labels}}}[w])) or vector(0)"
        found["edge"] = reader.number(query, window)
    return found


def secret_words() -> list[str]:
    """What nobody may read anywhere: ids of faults and the names of what makes them."""
    kinds = {effect.kind for row in ROWS.values() for effect in row.effects if isinstance(effect, ServiceEffect)}
    classes = {"".join(part.title() for part in kind.split("_")) for kind in kinds}
    return sorted({*ROWS, *kinds, *classes})


def _gone(place: Place, key: str) -> float:
    """Seconds until nothing of the fault is on anywhere; infinity where that takes too long."""
    began = time.monotonic()
    while any(key in each for each in state.on_anywhere(place)):
        if time.monotonic() - began > GONE_WITHIN_S:
            return math.inf
        time.sleep(0.2)
    return round(time.monotonic() - began, 2)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
