"""``faultline drill``: blind practice with marks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lab.cli.output import AsJson, console, print_json, table, working
from lab.drills import acts, grading, opening, play
from lab.drills.choices import ACTIONS, choices
from lab.drills.choose import any_seed
from lab.drills.grading import Answer, Marks
from lab.drills.history import History
from lab.drills.session import Current
from lab.place import LabError, Place
from lab.stack import require_up

app = typer.Typer(
    name="drill", help="Find the cause of a fault nobody told you of, and be graded.", no_args_is_help=True
)


@app.command()
def start(
    level: Annotated[
        int, typer.Option(min=1, max=5, help="1 loud, 2 silent, 3 victims, 4 telemetry, 5 two or none.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same drill; any if left out.")] = -1,
    count: Annotated[int, typer.Option(min=1, help="So many drills, one after another.")] = 1,
    player: Annotated[str, typer.Option(help="Your name, for the report card.")] = "player",
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for an alert.")] = opening.PATIENCE_S,
    as_json: AsJson = False,
) -> None:
    """Begin a drill. Something may be wrong from now on.

    [dim]Example:[/dim]
      faultline drill start --level 2 --seed 7
    """
    chosen = seed if seed >= 0 else any_seed()
    with working(f"Waiting for an alert, {patience:g} s at most"):
        begun = play.start(_running(), level, chosen, count, player, patience)
    _print_brief(begun, as_json)


@app.command()
def brief(as_json: AsJson = False) -> None:
    """The opening again, and what you may do."""
    _print_brief(play.brief(_running()), as_json)


@app.command()
def hint(as_json: AsJson = False) -> None:
    """A hint; each costs marks and tells more than the one before."""
    with working("Looking at what is there"):
        told = play.hint(_running())
    if as_json:
        print_json(asdict(told))
        return
    console().print(f"Hint {told.number} of {told.of}: {told.text}", markup=False, soft_wrap=True)


@app.command()
def names(as_json: AsJson = False) -> None:
    """The services, operations and kinds that an answer may name."""
    found = choices()
    if as_json:
        print_json(found)
        return
    for what, said in found.items():
        console().print(f"{what}: {', '.join(said)}", markup=False, soft_wrap=True)


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
    if any(len(given or ()) > len(kind) for given in (service, operation, evidence)):
        raise LabError("Each cause needs its --kind; nothing was counted.", "Give --kind as often as --service.")
    answers = [
        Answer(_nth(service, n), _nth(operation, n), kind[n], _nth(evidence, n).strip().lower(), text)
        for n in range(len(kind))
    ]
    with working("Working out the solution"):
        marks, told = play.answer(_running(), answers)
    if as_json:
        print_json({"marks": {**asdict(marks), "total": marks.total}, "solution": told.lines})
        return
    _print_marks(marks)
    if any(evidence or ()) and not marks.evidence:
        console().print("The trace shows none of it: it has to begin while the fault is on, and to hold it.")
    for line in told.lines:
        console().print(line, markup=False, soft_wrap=True)


@app.command()
def act(
    action: Annotated[str, typer.Argument(help=f"{', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}.")],
    target: Annotated[str, typer.Argument(help="The service or model, for restart, canary and scale.")] = "",
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second, for shed.")] = acts.USUAL_RATE,
    replicas: Annotated[int, typer.Option(min=1, help="How many, for scale (Kubernetes).")] = acts.USUAL_REPLICAS,
    as_json: AsJson = False,
) -> None:
    """Do something about it, after the answer; the recovery is marked by itself and the drill ends.

    [dim]Examples:[/dim]
      faultline drill act rollback
      faultline drill act restart nlp_model
    """
    with working(f"Watching the recovery, {acts.WITHIN_S:g} s at most"):
        done = play.act(_running(), action, target, replicas if action == "scale" else rate)
    out = console()
    if as_json:
        print_json({"done": done.done, "recovery": done.recovery})
        return
    out.print(f"{done.done} Recovery: {done.recovery:g} of {grading.RECOVERY:g} marks.", markup=False)
    if done.left:
        out.print(f"Next: faultline drill start --level {done.level} --seed {done.left[0]} --count {len(done.left)}")


@app.command(name="give-up")
def give_up(as_json: AsJson = False) -> None:
    """End the drill, and see the solution."""
    with working("Working out the solution"):
        told = play.give_up(_running())
    if as_json:
        print_json({"solution": told.lines})
        return
    for line in told.lines:
        console().print(line, markup=False, soft_wrap=True)


@app.command()
def history(as_json: AsJson = False) -> None:
    """Every drill, the newest first."""
    rows = History.of(Place.from_environment()).all()
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
            str(row.hints or ""),
            _number(row.marks),
            _number(row.recovery),
            _number(row.seconds),
        )
        for row in rows
    ]
    columns = ("drill", "player", "level", "seed", "state", "kind", "hints", "marks", "recovery", "seconds")
    console().print(table(columns, shown))


@app.command()
def report(as_json: AsJson = False) -> None:
    """The report card: marks by kind and level."""
    rows = History.of(Place.from_environment()).report()
    if as_json:
        print_json([dict(zip(("kind", "level", "drills", "marks", "seconds"), row, strict=True)) for row in rows])
        return
    shown = [(kind, str(level), str(count), f"{marks:.0f}", f"{took:.0f}") for kind, level, count, marks, took in rows]
    console().print(table(("kind", "level", "drills", "marks", "seconds"), shown))


def _print_brief(current: Current, as_json: bool) -> None:
    if as_json:
        print_json({name: getattr(current, name) for name in ("id", "level", "seed", "opening", "hints", "answered")})
        return
    out = console()
    out.print(f"Drill {current.id}: level {current.level}, seed {current.seed}.", markup=False)
    out.print(current.opening or "Nobody has complained yet, and no alert fires.", markup=False, soft_wrap=True)
    out.print("Look: faultline traces, trace ID, logs, metrics QUERY.")
    out.print("Then: faultline drill answer --service S --operation O --kind K --evidence ID")
    out.print("`faultline drill names` lists what an answer may name.")


def _print_marks(marks: Marks) -> None:
    out = console()
    for name, value, most in (
        ("service", marks.service, grading.SERVICE), ("operation", marks.operation, grading.OPERATION),
        ("kind", marks.kind, grading.KIND), ("evidence", marks.evidence, grading.EVIDENCE),
    ):  # fmt: skip
        out.print(f"{name:<10} {value:5.1f} of {most:g}")
    out.print(f"hints     {-marks.hints:6.1f}\ntime      {-marks.time:6.1f}")
    out.print(f"total     {marks.total:6.1f} of {grading.FULL:g}")


def _nth(values: list[str] | None, index: int) -> str:
    return values[index] if values and index < len(values) else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _running() -> Place:
    place = Place.from_environment()
    require_up(place)
    return place
