"""Printing: tables and colours for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lab.place import LabError

_PIPE_WIDTH = 140

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def console() -> Console:
    """Standard output; Rich leaves colours out where it is no terminal or NO_COLOR is set.

    A pipe has no width: lines there are as wide as ids and names need, unless COLUMNS says otherwise.
    """
    out = Console(highlight=False)
    return out if out.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=_PIPE_WIDTH)


def print_json(value: Any) -> None:
    """One JSON document on standard output, without Rich's wrapping."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


@contextmanager
def working(text: str) -> Iterator[None]:
    """A sign that long work goes on, for who looks at a terminal; nothing goes into a pipe or a file."""
    with Console(stderr=True).status(text):
        yield


def complain(error: LabError) -> None:
    """What went wrong and the next step, on standard error."""
    out = Console(stderr=True, highlight=False, soft_wrap=True)
    out.print(f"[bold red]Error:[/bold red] {escape(str(error))}")
    if error.next_step:
        out.print(f"[bold]Next:[/bold] {escape(error.next_step)}")


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Sequence[str] = ()) -> Table:
    """A plain table; columns named in ``right`` are aligned right. A ``Text`` brings a style; a string is no markup."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        # The first column is what one copies: an id or a name stays whole.
        drawn.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=index == 0)
    for row in rows:
        drawn.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return drawn
