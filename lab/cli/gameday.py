"""``faultline gameday``: timed faults for several players."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.campaign.truth import truth_of
from lab.cli.output import AsJson, console, print_json, table
from lab.drills.grading import Answer
from lab.faults.catalogue import ROWS
from lab.gameday.board import scoreboard
from lab.gameday.day import Day
from lab.gameday.script import Step, read
from lab.place import Place
from lab.stack import require_up

app = typer.Typer(name="gameday", help="Timed faults, several players, one instructor.", no_args_is_help=True)

Token = Annotated[str, typer.Option(help="The instructor's token, which `run` printed.")]


@app.command()
def run(file: Annotated[Path, typer.Argument(help="What comes when: title, players, faults.")]) -> None:
    """Play a game day in the foreground; Ctrl-C ends it and its faults.

    [dim]Example:[/dim]
      faultline gameday run friday.yaml
    """
    document = read(file)
    place = Place.from_environment()
    require_up(place)
    day, out = Day(place), console()
    out.print(f"Instructor's token: {day.begin(document)}", markup=False)
    script = day.script()
    out.print(f"{script.title}: {', '.join(script.players)}, {script.seconds:g} s of play.", markup=False)
    out.print(f"The report is at {day.run(script, out.print)}", markup=False, soft_wrap=True)


@app.command()
def answer(
    player: Annotated[str, typer.Option(help="Who you are.")],
    kind: Annotated[str, typer.Option(help="The kind of fault.")],
    service: Annotated[str, typer.Option(help="Where.")] = "",
    operation: Annotated[str, typer.Option(help="In which operation.")] = "",
) -> None:
    """Give an answer; the board shows what it was worth, a minute after the fault has ended."""
    Day(Place.from_environment()).answer(player, Answer(service, operation, kind))
    console().print("Noted.")


@app.command()
def control(word: Annotated[str, typer.Argument(help="pause, resume or abort.")], token: Token = "") -> None:
    """Pause, resume or abort the game day (instructor)."""
    Day(Place.from_environment()).command(word, token)
    console().print(f"{word}: done.", markup=False)


@app.command()
def board(as_json: AsJson = False) -> None:
    """The scoreboard; a fault's marks come a minute after its end."""
    day = Day(Place.from_environment())
    found = scoreboard(day.script(), day.answers(), day.scored_until())
    if as_json:
        print_json([dict(zip(("player", "marks", "faults"), row, strict=True)) for row in found])
        return
    shown = [(player, f"{points:g}", str(count)) for player, points, count in found]
    console().print(table(("player", "marks", "faults answered"), shown))


@app.command()
def answers(token: Token = "") -> None:
    """What comes when, and what was answered (instructor)."""
    day = Day(Place.from_environment())
    day.require(token)
    steps = [_step_row(step) for step in day.script().steps]
    console().print(table(("at", "until", "fault", "service", "operation", "kind"), steps))
    said = [
        (f"{each.at_s:.0f} s", each.player, each.answer.service, each.answer.operation, each.answer.kind)
        for each in day.answers()
    ]
    console().print(table(("at", "player", "service", "operation", "kind"), said))


def _step_row(step: Step) -> tuple[str, ...]:
    return f"{step.at_s:g} s", f"{step.ends_s:g} s", step.fault, *truth_of(ROWS[step.fault], step.place).cause
