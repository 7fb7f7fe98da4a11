"""Judging a recording: the impact gate, the leak audit, recovery, silence and the edges' counters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.campaign.truth import truth_of
from lab.drills.words import hints, tells_both
from lab.faults.catalogue import ROWS
from lab.faults.row import Row
from lab.faults.signals import Evidence
from lab.tour.names import Names
from lab.tour.record import CALM, Recording
from services import topology

GONE_WITHIN_S = 5.0
HARDLY = 0.15  # errors a second beyond those of the healthy window that are nobody's doing
SLOWER, SLOWER_S = 1.6, 0.02  # a median so much longer is another latency
CPU_FAULTS = frozenset({"CPU contention"})
AUDITED = ("attributes", "metrics", "loggers", "frames", "headers")
_NOWHERE = ("chassis/faults", "chassis.faults", "lab/")
# Counters that appear with the first failure of their sort, whatever its cause.
_COUNTED_ONCE_IT_HAPPENS = frozenset(
    {
        "client_retries_total",
        "client_retries_denied_total",
        "deadlines_exceeded_total",
        "model_errors_total",
        "requests_rejected_total",
        "prediction_parts_missing_total",
        "predictions_dropped_total",
        "feature_defaults_total",
        "feature_nulls_total",
        "feature_rows_dropped_total",
    }
)
# What a healthy run shows too, but not in every window of seconds: a place's statistics are read twice a minute, and a
# window of features closes when it is full. An alert that fires is there for everybody to see.
_NOW_AND_THEN = frozenset(
    {
        "ALERTS",
        "ALERTS_FOR_STATE",
        "db.redis.args_length",
        "feature_drift_ks",
        "feature_window_closed_timestamp_seconds",
        "feature_window_rows",
    }
)
_OF_ANY_PROBLEM = frozenset({"type", "title", "status", "detail", "request_id", "retry-after"})  # RFC 9457
_OF_ANY_FAILURE = frozenset({"error.type", "db.response.status_code"})  # OpenTelemetry's conventions
_ANYWHERE = (
    "opentelemetry/",
    "starlette/",
    "fastapi/",
    "contextlib.py",
    "python3.11/",
    "httpx/",
    "httpcore/",
    "chassis/",
    "services/",
    "redis/",
    "uvicorn/",
    "anyio/",
)


@dataclass(frozen=True)
class Verdict:
    """What a recording proves; each list holds what is wrong, in words."""

    fault: str
    baseline: list[str]
    impact: list[str]
    others: list[str]
    leaks: list[str]
    recovery: list[str]
    silence: list[str]
    edge: list[str]
    solvable: list[str]

    @property
    def problems(self) -> list[str]:
        return [*self.spoilt, *self.impact, *self.leaks, *self.recovery, *self.edge, *self.solvable]

    @property
    def spoilt(self) -> list[str]:
        """What the machine can do as well as the fault: disturb what should have stayed as it was."""
        return [*self.baseline, *self.others, *self.silence]


def judge(recording: Recording, healthy: Names) -> Verdict:
    """The verdict on one recording, against the names of all healthy windows."""
    row = ROWS[recording.fault]
    return Verdict(
        row.id,
        baseline(recording),
        impact(row, recording),
        others(row, recording),
        leaks(row, recording, healthy),
        recovery(row, recording),
        silence(row, recording),
        edge(row, recording),
        solvable(row, recording),
    )


def baseline(recording: Recording) -> list[str]:
    """The window before was a healthy one."""
    failed = recording.before["errors"]
    return [f"not healthy before: {failed:.2g} errors a second"] if failed > CALM else []


def impact(row: Row, recording: Recording) -> list[str]:
    """Each evidence passes the bound that was stated before."""
    wrong = []
    for each in row.evidence:
        before, during = recording.before[str(each.signal)], recording.during[str(each.signal)]
        if not each.holds(before, during):
            wrong.append(f"{each.says}: {before:.4g} before, {during:.4g} during, bound {each.rule}")
    return wrong


def others(row: Row, recording: Recording) -> list[str]:
    """No look-alike is told by what was seen; a CPU fault may disturb anything that takes time."""
    if row.kind in CPU_FAULTS:
        return []
    own = {str(each.signal) for each in row.evidence}
    wrong = []
    for other in row.look_alikes:
        told = [each for each in ROWS[other].evidence if str(each.signal) not in own]
        held = [each.holds(recording.before[str(each.signal)], recording.during[str(each.signal)]) for each in told]
        if told and all(held):
            wrong.append(f"looks like {other}")
    return wrong


def leaks(row: Row, recording: Recording, healthy: Names) -> list[str]:
    """Nothing tells its name, and names that no healthy window knows are expected of this fault."""
    wrong = [f"tells {where}" for where in recording.told]
    for kind in AUDITED:
        seen = recording.names_during.get(kind, [])
        for name in sorted({*seen} - {*healthy.get(kind, ())}):
            if not _expected(row, kind, name):
                wrong.append(f"new in {kind}: {name}")
    return wrong


def recovery(row: Row, recording: Recording) -> list[str]:
    """The mechanism is gone within 5 seconds; its signals are normal within 30, or over the next window of theirs."""
    wrong = []
    if not recording.gone_after_s <= GONE_WITHIN_S:
        wrong.append(f"still on after {recording.gone_after_s} s")
    for each in row.evidence:
        before, after = recording.before[str(each.signal)], recording.after[str(each.signal)]
        if each.holds(before, after):
            wrong.append(f"{each.says}: still {after:.4g} after, bound {each.rule}")
    return wrong


def silence(row: Row, recording: Recording) -> list[str]:
    """A silent fault leaves status and latency as they were."""
    if not row.silent:
        return []
    wrong = []
    if recording.during["errors"] - recording.before["errors"] > HARDLY:
        wrong.append(f"not silent: {recording.during['errors']:.2g} errors a second")
    before, during = recording.before["median"], recording.during["median"]
    if during > before * SLOWER and during - before > SLOWER_S:
        wrong.append(f"not silent: median {before * 1000:.0f} ms before, {during * 1000:.0f} ms during")
    return wrong


def edge(row: Row, recording: Recording) -> list[str]:
    """A failing fault moves its edge's failures in the service graph."""
    if row.edge is None or recording.during["edge"] >= 1:
        return []
    return [f"no failed call {row.edge[0]} → {row.edge[1]} in the service graph"]


def solvable(row: Row, recording: Recording) -> list[str]:
    """A player can find it: some evidence of it was there, and no hint but the last names service and kind together."""
    seen = [each for each in row.evidence if each.holds(recording.before[str(each.signal)], _during(recording, each))]
    truths = [truth_of(row)]
    told = [line for each in seen or row.evidence for line in hints(truths, [str(each.signal)])[:-1]]
    wrong = [f"a hint tells: {line}" for line in dict.fromkeys(told) if tells_both(line, truths)]
    return wrong if seen else ["no evidence that a player could find", *wrong]


def _during(recording: Recording, evidence: Evidence) -> float:
    return recording.during[str(evidence.signal)]


def healthy_names(recordings: Iterable[Recording]) -> Names:
    """Everything that any healthy window named."""
    found: dict[str, set[str]] = {}
    for recording in recordings:
        for kind, seen in recording.names_before.items():
            found.setdefault(kind, set()).update(seen)
    return {kind: sorted(seen) for kind, seen in found.items()}


def _expected(row: Row, kind: str, name: str) -> bool:
    """A failing request's stack may lead through any ordinary code, and its line comes from its service's logger."""
    if kind == "frames" and any(part in name for part in _ANYWHERE) and not any(part in name for part in _NOWHERE):
        return True
    if kind == "loggers" and (name in topology.SERVICES or name.startswith(("chassis.", "services.", "uvicorn."))):
        return not any(part in name for part in _NOWHERE)
    if kind == "metrics" and name in _COUNTED_ONCE_IT_HAPPENS:
        return True
    if kind == "headers" and name in _OF_ANY_PROBLEM:
        return True
    if kind == "attributes" and name in _OF_ANY_FAILURE:
        return True
    if name in _NOW_AND_THEN:
        return True
    return any(part in name for part in row.expected)


def shown(values: Mapping[str, float], signal: object) -> str:
    value = values.get(str(signal), math.nan)
    return "–" if math.isnan(value) else f"{value:.4g}"
