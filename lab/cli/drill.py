"""``faultline drill``: blind practice with marks."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from lab.cli.output import AsJson, console, print_json, table
from lab.clients.http import open_client
from lab.clients.telemetry import Span
from lab.clients.tempo import Tempo
from lab.diagnosis import diagnose
from lab.diagnosis.collect import Backends, read_period
from lab.diagnosis.finding import Ranked
from lab.diagnosis.recording import load_period, save_period
from lab.diagnosis.window import Window
from lab.drills import acts, opening
from lab.drills.choose import choose
from lab.drills.grading import Answer, Marks
from lab.drills.proof import shows
from lab.drills.session import Current, Session
from lab.drills.solution import matching, solution
from lab.drills.words import hints
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place
from lab.stack import is_up

app = typer.Typer(
    name="drill", help="Find the cause of a fault nobody told you of, and be graded.", no_args_is_help=True
)

_TIMEOUT_S = 60.0
_USUAL_S = 60.0
_LONGEST_WINDOW_S = 300.0


@app.command()
def start(
    level: Annotated[
        int, typer.Option(min=1, max=5, help="1 loud, 2 silent, 3 victims, 4 telemetry, 5 two or none.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same drill; any if left out.")] = -1,
    count: Annotated[int, typer.Option(min=1, help="So many drills, one after another.")] = 1,
    player: Annotated[str, typer.Option(help="Your name, for the report card.")] = "player",
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for an alert.")] = opening.PATIENCE_S,
) -> None:
    """Begin a drill. Something may be wrong from now on.

    [dim]Example:[/dim]
      faultline drill start --level 2 --seed 7
    """
    place = _running()
    first = seed if seed >= 0 else random.SystemRandom().randrange(10_000)
    session = Session(place)
    with _backends(place) as backends:
        now = time.time()
        usual = read_period(backends, now - _USUAL_S, now - 1)
        usual_latency = acts.latency(backends.prometheus)
        drill = choose(ROWS, first, level)
        current = session.begin(drill, player, range(first + 1, first + count))
        save_period(session.usual, usual)
        current.usual_latency_s = usual_latency
        truths = session.secret(current).truths
        current.opening = opening.wait_for(backends.prometheus, truths, first, current.started, patience)
        session.save(current)
    _print_brief(current)


@app.command()
def brief() -> None:
    """The opening again, and what you may do."""
    _print_brief(Session(_running()).current())


@app.command()
def hint() -> None:
    """A hint; each costs marks and tells more than the one before."""
    place = _running()
    session = Session(place)
    current = session.current()
    truths = session.secret(current).truths
    queries: list[str] = []
    if truths:
        with _backends(place) as backends:
            found = matching([r.finding for r in _diagnosed(session, current, backends)], truths[0])
        queries = [found.evidence.query] if found else []
    told = hints(truths, queries)
    number = min(current.hints, len(told) - 1)
    current.hints = min(current.hints + 1, len(told))
    session.save(current)
    console().print(f"Hint {number + 1} of {len(told)}: {told[number]}", markup=False, soft_wrap=True)


@app.command()
def answer(
    kind: Annotated[list[str], typer.Option(help='The kind of fault, or "nothing". Twice where there are two.')],
    service: Annotated[list[str] | None, typer.Option(help="Where.")] = None,
    operation: Annotated[list[str] | None, typer.Option(help="In which operation.")] = None,
    evidence: Annotated[list[str] | None, typer.Option(help="The id of a trace that shows it.")] = None,
    text: Annotated[str, typer.Option(help="In your own words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Give your answer: marks and the solution follow; the fault stays on, so that you can act.

    [dim]Examples:[/dim]
      faultline drill answer --service cv_model --operation decode_photo --kind "bad input" --evidence ID
      faultline drill answer --kind nothing
    """
    place = _running()
    session = Session(place)
    current = session.current()
    answers = [
        Answer(_nth(service, n), _nth(operation, n), kind[n], _nth(evidence, n).lower(), text) for n in range(len(kind))
    ]
    with _backends(place) as backends:
        tempo = Tempo(place.url("tempo"), backends.http)
        traces = [tempo.trace(each.evidence) if each.evidence else [] for each in answers]
        shown = _shown(session, current, traces)
        window = _window(session, current, backends)
    marks = session.answer(current, answers, shown)
    told = solution(window, session.secret(current).truths, traces[0])
    if as_json:
        print_json({"marks": {**asdict(marks), "total": marks.total}, "solution": told})
        return
    _print_marks(marks)
    for line in told:
        console().print(line, markup=False, soft_wrap=True)


@app.command()
def act(
    action: Annotated[str, typer.Argument(help="rollback, restart, canary or shed.")],
    target: Annotated[str, typer.Argument(help="The service or model, for restart and canary.")] = "",
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second, for shed.")] = 4.0,
    as_json: AsJson = False,
) -> None:
    """Do something about it, after the answer; the recovery is marked by itself and the drill ends.

    [dim]Examples:[/dim]
      faultline drill act rollback
      faultline drill act restart nlp_model
    """
    place = _running()
    session = Session(place)
    current = session.current()
    if not current.answered:
        raise LabError("Answer first.", "`faultline drill answer`")
    secret = session.secret(current)
    done = acts.perform(place, action, target, rate)
    truths = secret.truths
    if all(acts.cures(action, target, t.kinds[0], t.services, release=secret.release) for t in truths):
        session.lift(current)
    out = console()
    with _backends(place) as backends:
        marks = acts.recovery(backends.prometheus, current.usual_latency_s, say=lambda line: None)
    session.history.recovered(current.id, marks)
    session.close(current, "answered")
    acts.put_back(place)
    if as_json:
        print_json({"done": done, "recovery": marks})
        return
    out.print(f"{done} Recovery: {marks:g} of 20 marks.", markup=False)
    if current.left:
        out.print(
            f"Next: faultline drill start --level {current.level} --seed {current.left[0]} --count {len(current.left)}"
        )


@app.command(name="give-up")
def give_up() -> None:
    """End the drill, and see the solution."""
    place = _running()
    session = Session(place)
    current = session.current()
    with _backends(place) as backends:
        told = solution(_window(session, current, backends), session.secret(current).truths, [])
    session.close(current, "given up")
    for line in told:
        console().print(line, markup=False, soft_wrap=True)


@app.command()
def history(as_json: AsJson = False) -> None:
    """Every drill, the newest first."""
    rows = Session(Place.from_environment()).history.all()
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    shown = [
        (
            row.id,
            row.player,
            str(row.level),
            str(row.seed),
            row.state,
            row.kinds,
            _number(row.marks),
            _number(row.seconds),
        )
        for row in rows
    ]
    console().print(table(("drill", "player", "level", "seed", "state", "kind", "marks", "seconds"), shown))


@app.command()
def report(as_json: AsJson = False) -> None:
    """The report card: marks by kind and level."""
    rows = Session(Place.from_environment()).history.report()
    if as_json:
        print_json([dict(zip(("kind", "level", "drills", "marks", "seconds"), row, strict=True)) for row in rows])
        return
    shown = [(kind, str(level), str(count), f"{marks:.0f}", f"{took:.0f}") for kind, level, count, marks, took in rows]
    console().print(table(("kind", "level", "drills", "marks", "seconds"), shown))


def _print_brief(current: Current) -> None:
    out = console()
    out.print(f"Drill {current.id}: level {current.level}, seed {current.seed}.", markup=False)
    out.print(current.opening, markup=False, soft_wrap=True)
    out.print("Look: faultline traces, trace ID, logs. Then: faultline drill answer --service S --operation O --kind K")


def _print_marks(marks: Marks) -> None:
    out = console()
    for name, value, most in (
        ("service", marks.service, 30), ("operation", marks.operation, 15), ("kind", marks.kind, 35),
        ("evidence", marks.evidence, 20),
    ):  # fmt: skip
        out.print(f"{name:<10} {value:5.1f} of {most}")
    out.print(f"hints     {-marks.hints:6.1f}\ntime      {-marks.time:6.1f}\ntotal     {marks.total:6.1f} of 100")


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


def _nth(values: list[str] | None, index: int) -> str:
    return values[index] if values and index < len(values) else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


@contextmanager
def _backends(place: Place) -> Iterator[Backends]:
    with open_client(_TIMEOUT_S) as http:
        yield Backends.of(place, http)


def _running() -> Place:
    place = Place.from_environment()
    if not is_up(place):
        raise LabError("Nothing is running.", "`faultline up` starts it.")
    return place
