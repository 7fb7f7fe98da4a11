"""A player's moves in a drill, one function each: the command line and the console make the same ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from lab.campaign.truth import Truth
from lab.clients.backends import Backends
from lab.clients.http import LONG_TIMEOUT_S, open_client
from lab.clients.telemetry import Span
from lab.diagnosis import diagnose
from lab.diagnosis.collect import read_period
from lab.diagnosis.profile import observe
from lab.diagnosis.recording import load_period, save_period
from lab.diagnosis.window import Period, Window
from lab.drills import acts, notes, opening
from lab.drills.choices import ensure_known
from lab.drills.choose import choose
from lab.drills.grading import Answer, Marks
from lab.drills.proof import shows
from lab.drills.session import Current, Session
from lab.drills.signs import sign_of
from lab.drills.solution import Cause, Own, Solution, matching, work_out
from lab.drills.usual import read_usual
from lab.drills.words import hints
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place

_QUERY_HINT = 1
_LONGEST_WINDOW_S = 300.0
_EXEMPLARS = "prediction_duration_seconds_bucket"


@dataclass(frozen=True)
class Hint:
    """The ``number``-th hint of so many."""

    number: int
    of: int
    text: str


@dataclass(frozen=True)
class Acted:
    """What was done, the marks for recovery, and the seeds that are left to play."""

    done: str
    recovery: float
    level: int
    left: tuple[int, ...]


def start(place: Place, level: int, seed: int, count: int, player: str, patience_s: float) -> Current:
    """Read the healthy minute before, inject, and wait for an opening. Raises LabError where a drill runs already."""
    session = Session(place)
    session.ensure_free()
    with backends_of(place) as backends:
        usual = read_usual(place, backends, time.time() - 1)
        save_period(session.usual, usual)
        latency = acts.latency(backends.prometheus, usual.end_s)
    current = session.begin(choose(ROWS, seed, level), player, range(seed + 1, seed + count), latency)
    while not current.opening:
        time.sleep(opening.POLL_S)
        current = _opened(place, session, current, patience_s)
    return current


def brief(place: Place) -> Current:
    """The running drill, with its opening as soon as it has one, whoever began it."""
    session = Session(place)
    current = session.current()
    return current if current.opening else _opened(place, session, current, opening.PATIENCE_S)


def hint(place: Place) -> Hint:
    """The next hint; it costs marks."""
    session = Session(place)
    current = session.current()
    truths = session.secret(current).truths
    queries = _queries(place, session, current) if current.hints == _QUERY_HINT else []
    told = hints(truths, queries)
    number = min(current.hints, len(told) - 1)
    current.hints = min(current.hints + 1, len(told))
    session.save(current)
    with notes.changed(place, current.id) as note:
        note["hints"] = [*note["hints"][:number], told[number]]
    return Hint(number + 1, len(told), told[number])


def answer(place: Place, answers: Sequence[Answer]) -> tuple[Marks, Solution]:
    """Grade the answers and work the solution out; the fault stays on.

    Raises LabError, and counts nothing, for names and traces that there are not.
    """
    given_s = time.time()
    session = Session(place)
    current = session.current()
    ensure_not_answered(current)
    ensure_known(answers)
    with backends_of(place) as backends:
        traces = [_evidence(backends, each.evidence) for each in answers]
        window = _window(session, current, backends)
        exemplars = _exemplars(backends, window.now)
    truths = session.secret(current).truths
    usual = observe(window.before.traces)
    shown = [[shows(spans, truth, usual, current.started) for truth in truths] for spans in traces]
    marks = session.answer(current, answers, shown, given_s)
    told = work_out(window, truths, Own(tuple(map(tuple, traces)), exemplars, current.started))
    with notes.changed(place, current.id) as note:
        note |= {"answers": [asdict(each) for each in answers], "marks": asdict(marks), "solution": asdict(told)}
    return marks, told


def ensure_not_answered(current: Current) -> None:
    """Raises LabError, before anything is read, where an answer was given."""
    if current.answered:
        raise LabError("You have answered already.", "`faultline drill act`, or `faultline drill give-up` to end it.")


def act(place: Place, action: str, target: str = "", amount: float = 0.0) -> Acted:
    """Do something about it after the answer, watch the recovery, and end the drill.

    ``amount``: requests a second to shed down to, or replicas to scale to; 0 stands for the usual.
    """
    session = Session(place)
    current = session.current()
    ensure_answered(current)
    secret = session.secret(current)
    with backends_of(place) as backends:
        harmed = acts.harmed(backends.prometheus, current.usual_latency_s)
    done = acts.perform(place, action, target, amount)
    cured = [cause for cause in secret.causes if acts.cures(action, target, cause.truth, release=secret.release)]
    left = [cause.truth for cause in secret.causes if cause not in cured]
    try:
        session.lift(cured)
        ill = cured or (left and harmed)  # from nothing nothing recovers
        marks = _recovery(place, current, left) if ill else 0.0
    finally:
        done.put_back()
    session.history.recovered(current.id, marks)
    said = f"{done.said} {acts.remark(len(secret.causes), len(left))}"
    with notes.changed(place, current.id) as note:
        note["done"] = said
    session.close(current, "answered")
    return Acted(said, marks, current.level, tuple(current.left))


def _recovery(place: Place, current: Current, left: Sequence[Truth]) -> float:
    with backends_of(place) as backends:
        return acts.recovery(backends.prometheus, current.usual_latency_s, left)


def ensure_answered(current: Current) -> None:
    if not current.answered:
        raise LabError("Answer first.", "`faultline drill answer`")


def give_up(place: Place) -> Solution:
    """End the drill; the solution."""
    session = Session(place)
    current = session.current()
    told = solution_of(notes.read(place, current.id))
    if told is None:
        with backends_of(place) as backends:
            window = _window(session, current, backends)
            own = Own(exemplars=_exemplars(backends, window.now))
        told = work_out(window, session.secret(current).truths, own)
    session.close(current, "given up")
    with notes.changed(place, current.id) as note:
        note["solution"] = asdict(told)
    return told


def solution_of(note: notes.Note) -> Solution | None:
    """The solution that was noted, if any."""
    found: dict[str, Any] | None = note["solution"]
    if found is None:
        return None
    causes = [{**row, "traces": tuple(row["traces"]), "logs": tuple(row["logs"])} for row in found["causes"]]
    return Solution(tuple(found["lines"]), tuple(Cause(**row) for row in causes))


@contextmanager
def backends_of(place: Place) -> Iterator[Backends]:
    with open_client(LONG_TIMEOUT_S) as http:
        yield Backends.of(place, http)


def _opened(place: Place, session: Session, asked: Current, patience_s: float) -> Current:
    """The drill with its opening, if it has come by now. Raises LabError where it has ended meanwhile."""
    truths = session.secret(asked).truths
    late = time.time() > asked.started + patience_s
    with backends_of(place) as backends:
        heard = opening.now(backends.prometheus, truths, asked.seed, asked.started, late=late)
    current = session.current()
    if current.id != asked.id:
        raise LabError("The drill has ended meanwhile.", "`faultline drill brief`")
    if heard and not current.opening:
        current.opening = heard
        session.save(current)
        with notes.changed(place, current.id) as note:
            note["opening"] = heard
    return current


def _evidence(backends: Backends, trace_id: str) -> list[Span]:
    """The spans of a trace that a player names, if one is named. Raises LabError where there is none."""
    spans = backends.tempo.trace(trace_id) if trace_id else []
    if trace_id and not spans:
        raise LabError(f"There is no trace {trace_id}; nothing was counted.", "`faultline traces` lists some.")
    return spans


def _exemplars(backends: Backends, period: Period) -> dict[str, None]:
    """The traces that exemplars of the answers' latency point at, the slowest first."""
    found = backends.prometheus.exemplars(_EXEMPLARS, period.start_s, period.end_s)
    return {each.labels.get("trace_id", ""): None for each in sorted(found, key=lambda each: -each.value)}


def _window(session: Session, current: Current, backends: Backends) -> Window:
    now = time.time()
    begin = max(current.started, now - _LONGEST_WINDOW_S)
    return Window(read_period(backends, begin, now), load_period(session.usual))


def _queries(place: Place, session: Session, current: Current) -> list[str]:
    """What to type; it is looked for where nothing is wrong, too: a quicker hint would tell so."""
    with backends_of(place) as backends:
        found = [each.finding for each in diagnose(_window(session, current, backends)).ranking]
    truths = session.secret(current).truths
    if not truths:
        return []
    seen = matching(found, truths[0])
    return [seen.evidence.query if seen and seen.evidence.query else sign_of(ROWS[truths[0].fault], truths[0])[1]]
