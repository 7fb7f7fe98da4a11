"""A start on the screen: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table

from lab.stack import Progress


@contextmanager
def shown_progress(out: Console) -> Iterator[Progress]:
    """The progress that fits where ``out`` goes."""
    if not out.is_terminal:
        yield PlainLines(out)
        return
    live = LiveTable(out)
    with Live(live, console=out, refresh_per_second=4, transient=False):
        yield live


class PlainLines:
    """A line for each event, for logs and pipes."""

    def __init__(self, out: Console) -> None:
        self._out = out

    def step(self, text: str) -> None:
        self._out.print(text, markup=False)

    def waiting(self, name: str, reason: str) -> None:
        self._out.print(f"  {name}: {reason}", markup=False, soft_wrap=True)

    def ready(self, name: str, seconds: float) -> None:
        self._out.print(f"  {name}: ready after {seconds:.1f} s", markup=False)


class LiveTable:
    """A table with a line for each program, redrawn in place."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._began = time.monotonic()
        self._lines: dict[str, str | float] = {}
        self._spinner = Spinner("dots")

    def step(self, text: str) -> None:
        self._out.print(f"[dim]{escape(text)}[/dim]")

    def waiting(self, name: str, reason: str) -> None:
        self._lines[name] = reason

    def ready(self, name: str, seconds: float) -> None:
        self._lines[name] = seconds

    def __rich__(self) -> Table:
        drawn = Table.grid(padding=(0, 1))
        for name, line in self._lines.items():
            if isinstance(line, float):
                drawn.add_row("[green]✓[/green]", name, f"[dim]ready after {line:.1f} s[/dim]")
            else:
                drawn.add_row(self._spinner, name, f"[yellow]{escape(line)}[/yellow]")
        return drawn
