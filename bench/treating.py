"""One fault, its alerts, a command against it, and what became of the alerts, on a live stack."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import httpx
import yaml

from bench.tell import tell
from bench.treatments import Treatment, words_of
from lab.campaign.truth import truth_of
from lab.clients.prometheus import Prometheus
from lab.drills.choices import MODELS
from lab.drills.choose import Cause, Drill
from lab.drills.grading import Answer
from lab.drills.session import Session
from lab.faults import asking, state, wanted
from lab.faults.asking import Ask
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place

POLL_S, QUIET_S = 2.0, 8.0
ON_S = 1_500.0
ON_WITHIN_S = 60.0  # seconds are enough where nothing else takes the machine
COMMAND_S = 150.0
# Bounds: until it is quiet before, until all fire at once, until they resolve; and until each fires.
CALM_S, AGAIN_S, RESOLVES_S = 420.0, 90.0, 360.0
FIRES_S = {"i": 210.0, "w": 330.0}  # what needs a window of labels or rows takes longer
_LONG = {"CrashLoop": 690.0}  # it counts the restarts of ten minutes
USUAL_SHARE, CANARY_SHARE = 20.0, 50.0  # at the usual share a bad version takes long to be told by its labels
_SHARES = {"nan-output": 90.0}  # it fails for a fifth of v2's photos: with half of the users the alert is missed


@dataclass(frozen=True)
class Outcome:
    """What became of one alert: seconds from the fault to its firing, and from the command to its end."""

    alert: str
    fired_after_s: float | None = None
    resolved_after_s: float | None = None
    note: str = ""

    @property
    def resolved(self) -> bool:
        return self.resolved_after_s is not None and not self.note


@dataclass
class Bed:
    """A stack with traffic, and what looks at its alerts."""

    place: Place
    http: httpx.Client
    prometheus: Prometheus = field(init=False)

    def __post_init__(self) -> None:
        self.prometheus = Prometheus(self.place.url("prometheus"), self.http)

    @cached_property
    def fast(self) -> frozenset[str]:
        """Alerts of which the drill rules hold a fast form: that one is looked at."""
        rules = yaml.safe_load((self.place.root / "deploy/prometheus/drills/drills.yml").read_text())
        return frozenset(rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule)

    def firing(self) -> set[str]:
        found = [sample.labels for sample in self.prometheus.query('ALERTS{alertstate="firing"}')]
        return {
            each["alertname"] for each in found if (each["alertname"] in self.fast) == (each.get("set") == "drill")
        }  # fmt: skip

    def faultline(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "lab", *words_of(command)],
            cwd=self.place.root, env={**os.environ, **self.place.variables}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


def treat(bed: Bed, treatment: Treatment) -> list[Outcome]:
    """What the command does to each of its alerts. Raises LabError where the fault cannot be had."""
    alerts = {*treatment.alerts}
    if noisy := _until(bed, lambda firing: not alerts & firing, CALM_S) & alerts:
        tell(f"  fires before anything is on: {', '.join(sorted(noisy))}")
    if alerts <= noisy:  # nothing can be shown, as where other work takes the machine
        return [Outcome(alert, note="fired before the fault was on") for alert in treatment.alerts]
    with _share(bed, treatment), _on(bed, treatment):
        fired = _fired(bed, alerts - noisy, FIRES_S[ROWS[treatment.fault].back])
        # One that comes and goes has to be there when the command is run, else its end would show nothing.
        quiet = fired.keys() - _until(bed, lambda firing: fired.keys() <= firing, AGAIN_S)
        resolved, said = acted(bed, treatment, fired.keys())
    seen = Seen(treatment, noisy, fired, quiet, resolved, said)
    return [Outcome(alert, fired.get(alert), resolved.get(alert), seen.objection(alert)) for alert in treatment.alerts]


@dataclass(frozen=True)
class Seen:
    """What was seen of a treatment: alerts that fired before the fault, seconds until each fired, those that were gone
    before the command, seconds from the command until each was gone, and what went wrong with the command."""

    treatment: Treatment
    noisy: AbstractSet[str]
    fired: Mapping[str, float]
    quiet: AbstractSet[str]
    gone: Mapping[str, float]
    said: str

    def objection(self, alert: str) -> str:
        """Why it does not show that the command resolves the alert; empty where it does."""
        if alert in self.noisy:
            return "fired before the fault was on"
        if alert not in self.fired:
            return f"did not fire within {FIRES_S[ROWS[self.treatment.fault].back]:g} s"
        if alert in self.quiet:
            return "was gone before the command"
        if self.said:
            return self.said
        return "" if alert in self.gone else f"still fires after {_within(self.treatment.alerts):g} s"


@contextmanager
def _share(bed: Bed, treatment: Treatment) -> Iterator[None]:
    """Half of the users on the candidate or more, where it is the candidate that breaks."""
    model = treatment.at
    moved = ROWS[treatment.fault].kind == "bad model version" and model in MODELS
    try:
        if moved:
            _run_whole(bed, f"faultline canary {model} {_SHARES.get(treatment.fault, CANARY_SHARE):g}")
        yield
    finally:
        if moved:
            _run_whole(bed, f"faultline canary {model} {USUAL_SHARE:g}")


@contextmanager
def _on(bed: Bed, treatment: Treatment) -> Iterator[None]:
    """The fault is on: as a drill's, where the command acts in one, else in the open."""
    session = Session(bed.place)
    try:
        if treatment.in_drill:
            cause = Cause(treatment.fault, treatment.at)
            session.begin(Drill(0, 1, (cause,), release=treatment.release), "bench.mitigations")
        else:
            asking.order(bed.place, Ask(treatment.fault, treatment.at, seconds=ON_S))
        for row in wanted.read(bed.place):
            state.wait_on(bed.place, row.key, within_s=ON_WITHIN_S)
        yield
    finally:
        session.break_off()
        asking.clear(bed.place, "")


def _fired(bed: Bed, alerts: set[str], within_s: float) -> dict[str, float]:
    """Seconds until each of the alerts fires, of those that do so in time."""
    began, fired = time.monotonic(), dict[str, float]()

    def all_seen(firing: set[str]) -> bool:
        for alert in alerts & firing - fired.keys():
            fired[alert] = round(time.monotonic() - began, 1)
        return fired.keys() >= alerts

    _until(bed, all_seen, within_s)
    return fired


def acted(bed: Bed, treatment: Treatment, fired: AbstractSet[str]) -> tuple[dict[str, float], str]:
    """Run the command; seconds from its start until each alert is gone for good, and what went wrong with it."""
    if not fired:
        return {}, ""
    if treatment.in_drill:
        _answer(bed, treatment)
    began, gone = time.monotonic(), dict[str, float]()
    command = bed.faultline(treatment.command)

    def all_gone(firing: set[str]) -> bool:
        now = time.monotonic() - began
        for alert in fired:
            if alert in firing:
                gone.pop(alert, None)
            else:
                gone.setdefault(alert, round(now, 1))
        return gone.keys() >= fired and now - max(gone.values()) >= QUIET_S

    _until(bed, all_gone, _within(treatment.alerts))
    still_on = any(row.ends_at > time.time() for row in wanted.read(bed.place))
    said = _said(command)
    if command.returncode:
        return gone, f"exit code {command.returncode}: {said}"
    return gone, "" if treatment.ends or still_on else "the fault had ended by itself"


def _answer(bed: Bed, treatment: Treatment) -> None:
    """What a player says before they may act."""
    session = Session(bed.place)
    truth = truth_of(ROWS[treatment.fault], treatment.at)
    session.answer(session.current(), [Answer(truth.services[0], kind=truth.kinds[0])], [[False]], time.time())


def _run_whole(bed: Bed, command: str) -> None:
    """Raises LabError where it fails."""
    process = bed.faultline(command)
    said = _said(process)
    if process.returncode:
        raise LabError(f"`{command}` ended with {process.returncode}: {said}")


def _said(process: subprocess.Popen[str]) -> str:
    """The last line of a command, which is killed where it takes too long."""
    try:
        said, _ = process.communicate(timeout=COMMAND_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    return said.strip().rpartition("\n")[2]


def _within(alerts: Iterable[str]) -> float:
    return max([RESOLVES_S, *(_LONG.get(alert, 0.0) for alert in alerts)])


def _until(bed: Bed, holds: Callable[[set[str]], bool], within_s: float) -> set[str]:
    """What fires once ``holds`` says so, or when the time is over."""
    until = time.monotonic() + within_s
    while not holds(firing := bed.firing()) and time.monotonic() < until:
        time.sleep(POLL_S)
    return firing
