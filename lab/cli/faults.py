"""``faultline faults``: list, describe, inject, clear, status."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from lab.cli.output import AsJson, console, print_json, table
from lab.drills.open import ensure_open
from lab.faults import asking, audit, state
from lab.faults.catalogue import ROWS
from lab.faults.row import Row
from lab.place import LabError, Place
from lab.stack import require_up

app = typer.Typer(
    name="faults",
    help="Break something real, for a while, and see what it looks like.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Every fault with its place, kind and evidence.

    [dim]Example:[/dim]
      faultline faults list
    """
    _board()
    if as_json:
        print_json([as_dict(row) for row in ROWS.values()])
        return
    shown = [(row.id, row.place, row.kind, "; ".join(each.says for each in row.evidence)) for row in ROWS.values()]
    console().print(table(("fault", "place", "kind", "evidence"), shown))


@app.command()
def describe(fault: Annotated[str, typer.Argument(help="A fault's id.")], as_json: AsJson = False) -> None:
    """What a fault does, what tells it, what looks like it, and what it takes.

    [dim]Example:[/dim]
      faultline faults describe pool-of-one
    """
    _board()
    row = asking.find(fault)
    if as_json:
        print_json(as_dict(row))
        return
    console().print("\n".join(described(row)), markup=False, soft_wrap=True)


@app.command()
def inject(
    fault: Annotated[str, typer.Argument(help="A fault's id.")],
    at: Annotated[str, typer.Option(help="The service, where it can act at several.")] = "",
    instance: Annotated[str, typer.Option(help="One replica alone, such as host:8003.")] = "",
    intensity: Annotated[float, typer.Option(help="How strongly, above 0 to 1.")] = 1.0,
    share: Annotated[float, typer.Option(help="Share of the requests, above 0 to 1.")] = 1.0,
    segment: Annotated[str, typer.Option(help="The segment of users it concerns.")] = "",
    seconds: Annotated[float, typer.Option("--for", help="Seconds it lasts.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Switch a fault on, for a while, and say what to expect.

    [dim]Examples:[/dim]
      faultline faults inject redis-far --intensity 0.5 --for 120
      faultline faults inject far-hop --at cv_model --share 0.3
    """
    place = _running()
    made = asking.order(place, asking.Ask(fault, at, instance, intensity, share, segment, seconds))
    try:
        found = state.wait_on(place, made.key)
    except LabError:
        asking.clear(place, made.key)
        raise
    if as_json:
        print_json({"wanted": asdict(made), "on": found.on})
        return
    out = console()
    out.print(f"{fault} is on at {', '.join(found.on)} for {seconds:g} s.", markup=False)
    for line in _expected(ROWS[fault]):
        out.print(f"  {line}", markup=False, soft_wrap=True)


@app.command()
def clear(
    which: Annotated[str, typer.Argument(help="A fault's id, or the key of one injection; all if left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """End a fault, or all of them, now.

    [dim]Example:[/dim]
      faultline faults clear redis-far
    """
    gone = asking.clear(_running(), which)
    if as_json:
        print_json([asdict(row) for row in gone])
    else:
        console().print(f"Ended: {', '.join(row.fault for row in gone) or 'nothing was on'}.", markup=False)


@app.command()
def status(as_json: AsJson = False) -> None:
    """What is on, where, and for how long still.

    [dim]Example:[/dim]
      faultline faults status --json
    """
    found = state.states(_running())
    if as_json:
        print_json(
            [{**asdict(each.wanted), "on": each.on, "waiting": each.waiting, "left_s": each.left_s} for each in found]
        )
    elif not found:
        console().print("No fault is on.")
    else:
        rows = [
            (each.wanted.fault, each.wanted.at, ", ".join(each.on), ", ".join(each.waiting), f"{each.left_s:g} s")
            for each in found
        ]
        console().print(table(("fault", "at", "on", "not yet on", "left"), rows))


@app.command(name="audit")
def audit_(as_json: AsJson = False) -> None:
    """Who asked for what and what was done, the oldest first; the last drill's lines too, once it has ended.

    [dim]Example:[/dim]
      faultline faults audit --json
    """
    found = audit.entries(_board())
    if as_json:
        print_json(found)
        return
    rows = [(line.pop("time"), line.pop("action"), " ".join(f"{k}={v}" for k, v in line.items())) for line in found]
    console().print(table(("time", "action", "what"), rows))


def as_dict(row: Row) -> dict[str, Any]:
    """A row as JSON; the effects themselves stay out of it."""
    return {
        "id": row.id,
        "place": row.place,
        "places": row.places,
        "mechanism": row.mechanism,
        "kind": row.kind,
        "also": row.also,
        "look_alikes": row.look_alikes,
        "silent": row.silent,
        "back": row.back,
        "dialled": row.dialled,
        "shared_out": row.shared_out,
        "evidence": [{"says": each.says, "signal": str(each.signal), "bound": each.rule} for each in row.evidence],
    }


def described(row: Row) -> list[str]:
    """A row for people."""
    options = " --intensity I" * row.dialled + " --share S" * row.shared_out + " --segment NAME" * row.segment
    return [
        f"{row.id} — {row.mechanism}",
        f"  where         {', '.join(row.places)}{f' · {row.operation}' if row.operation else ''}",
        f"  kind          {row.kind} ({', '.join(row.also)} is fair too)",
        f"  takes         --for SECONDS{options}",
        f"  silent        {'yes: status and latency stay as they were' if row.silent else 'no'}",
        f"  back          {'within 30 s of its end' if row.back == 'i' else 'one window after its end'}",
        *(f"  evidence      {line}" for line in _expected(row)),
        f"  looks like    {', '.join(row.look_alikes)}",
    ]


def _expected(row: Row) -> list[str]:
    return [f"{each.says}: {each.signal} {each.rule}" for each in row.evidence]


def _board() -> Place:
    """The stack, where its fault board is open. Raises LabError while somebody plays."""
    place = Place.from_environment()
    ensure_open(place)
    return place


def _running() -> Place:
    place = _board()
    require_up(place)
    return place
