"""A player's moves in a drill, one function each: the command line and the console make the same ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from lab.clients.backends import Backends
from lab.clients.http import LONG_TIMEOUT_S, open_client
from lab.clients.telemetry import Span
from lab.diagnosis import diagnose
from lab.diagnosis.collect import read_period
from lab.diagnosis.finding import Ranked
from lab.diagnosis.recording import load_period, save_period
from lab.diagnosis.window import Window
from lab.drills import acts, notes, opening
from lab.drills.choose import choose
from lab.drills.grading import Answer, Marks
from lab.drills.proof import shows
from lab.drills.session import Current, Session
from lab.drills.solution import Cause, Solution, matching, work_out
from lab.drills.words import hints
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place

_USUAL_S = 60.0
_LONGEST_WINDOW_S = 300.0


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
        now = time.time()
        save_period(session.usual, read_period(backends, now - _USUAL_S, now - 1))
        latency = acts.latency(backends.prometheus)
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
    with backends_of(place) as backends:  # also where nothing is wrong: a quicker hint would tell so
        findings = [each.finding for each in _diagnosed(session, current, backends)]
    found = matching(findings, truths[0]) if truths else None
    queries = [found.evidence.query] if found else []
    told = hints(truths, queries)
    number = min(current.hints, len(told) - 1)
    current.hints = min(current.hints + 1, len(told))
    session.save(current)
    with notes.changed(place, current.id) as note:
        note["hints"] = [*note["hints"][:number], told[number]]
    return Hint(number + 1, len(told), told[number])


def answer(place: Place, answers: Sequence[Answer]) -> tuple[Marks, Solution]:
    """Grade the answers and work the solution out; the fault stays on."""
    session = Session(place)
    current = session.current()
    ensure_not_answered(current)
    with backends_of(place) as backends:
        traces = [backends.tempo.trace(each.evidence) if each.evidence else [] for each in answers]
        shown = _shown(session, current, traces)
        window = _window(session, current, backends)
    marks = session.answer(current, answers, shown)
    told = work_out(window, session.secret(current).truths, traces[0])
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
    done = acts.perform(place, action, target, amount)
    cured = [cause for cause in secret.causes if acts.cures(action, target, cause.truth, release=secret.release)]
    left = [cause.truth for cause in secret.causes if cause not in cured]
    try:
        session.lift(cured)
        with backends_of(place) as backends:
            marks = acts.recovery(backends.prometheus, current.usual_latency_s, left)
    finally:
        done.put_back()
    session.history.recovered(current.id, marks)
    with notes.changed(place, current.id) as note:
        note["done"] = done.said
    session.close(current, "answered")
    return Acted(done.said, marks, current.level, tuple(current.left))


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
            told = work_out(_window(session, current, backends), session.secret(current).truths, [])
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


def _shown(session: Session, current: Current, traces: list[list[Span]]) -> list[bool]:
    """For each trace whether it shows one of the causes."""
    truths, usual = session.secret(current).truths, load_period(session.usual)
    return [any(shows(spans, truth, usual, current.started) for truth in truths) for spans in traces]


def _window(session: Session, current: Current, backends: Backends) -> Window:
    now = time.time()
    begin = max(current.started, now - _LONGEST_WINDOW_S)
    return Window(read_period(backends, begin, now), load_period(session.usual))


def _diagnosed(session: Session, current: Current, backends: Backends) -> tuple[Ranked, ...]:
    return diagnose(_window(session, current, backends)).ranking
