"""``faultline workshop``: make bare code observable, and be told what is still missing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.output import AsJson, console, print_json, working
from lab.workshops import batches
from lab.workshops.claims import Point
from lab.workshops.drift import check as check_drift
from lab.workshops.folder import copy_start, workshop_of
from lab.workshops.instrument import check as check_instrument
from lab.workshops.trace import check as check_trace

app = typer.Typer(
    name="workshop",
    help="Make bare code observable; a checker runs it and names what is still missing.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_CHECKERS = {"instrument": check_instrument, "drift": check_drift, "trace": check_trace}

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of yours, new.", file_okay=False)]


@app.command()
def instrument(folder: Folder) -> None:
    """Metrics and a log for a house-price API that has none.

    [dim]Example:[/dim]
      faultline workshop instrument ~/instrument
    """
    _begin("instrument", folder)


@app.command()
def drift(folder: Folder) -> None:
    """PSI, KS, an alert and a panel for a batch job that does not notice drift.

    [dim]Example:[/dim]
      faultline workshop drift ~/drift
    """
    _begin("drift", folder)


@app.command()
def trace(folder: Folder) -> None:
    """Spans, propagation and log correlation for three services that have none.

    [dim]Example:[/dim]
      faultline workshop trace ~/trace
    """
    _begin("trace", folder)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Your folder of a workshop.")] = Path("."),
    as_json: AsJson = False,
) -> None:
    """Run your code and name, point by point, what is still missing; exit code 1 while something is.

    [dim]Example:[/dim]
      faultline workshop check ~/drift
    """
    with working("Running your code"):
        points = checked(folder)
    if as_json:
        print_json([{"point": point.name, "holds": point.holds, "missing": point.missing} for point in points])
    else:
        _print(points)
    if not all(point.holds for point in points):
        raise typer.Exit(1)


def checked(folder: Path) -> list[Point]:
    """Every point of the folder's workshop. Raises LabError where it is none's, or its code does not start."""
    checker = _CHECKERS[workshop_of(folder)]
    with tempfile.TemporaryDirectory(prefix="faultline-") as scratch:
        return checker(folder.resolve(), Path(scratch))


def _begin(name: str, folder: Path) -> None:
    copy_start(name, folder)
    if name == "drift":
        batches.fill(folder)
    out = console()
    out.print(f"{folder} holds the bare start; its README.md has the steps.", markup=False, soft_wrap=True)
    out.print(f"When you are done, or stuck: faultline workshop check {folder}", markup=False, soft_wrap=True)


def _print(points: list[Point]) -> None:
    out = console()
    for point in points:
        out.print("[green]✓[/green]" if point.holds else "[bold red]✗[/bold red]", end=" ")
        out.print(point.name, markup=False, soft_wrap=True)
        if point.missing:
            out.print(f"    {point.missing}", style="red", markup=False, soft_wrap=True)
    held = sum(point.holds for point in points)
    out.print(f"{held} of {len(points)} points hold.")
