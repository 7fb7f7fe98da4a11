"""``faultline console`` and ``faultline serve``: the console in a browser, and the server behind it."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Annotated

import typer

from lab.cli.output import AsJson, console, print_json
from lab.place import HOST, LabError, Place


def open_console(
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the console's link, which holds its token: whoever has it may break things here.

    [dim]Example:[/dim]
      faultline console --open
    """
    url = link(Place.from_environment())
    if as_json:
        print_json({"url": url})
    else:
        console().print(url, markup=False, soft_wrap=True)
    if open_it and not webbrowser.open(url):
        raise LabError("No browser could be opened.", "Open the link above yourself.")


def serve() -> None:
    """Serve the console in the foreground; in a container of the stack the faults' keeper and the pager, too.

    `faultline up` starts it by itself; this is what it starts.
    """
    # A process of its own again: the console needs none of the commands, nor their memory.
    os.execv(sys.executable, [sys.executable, "-m", "lab.console"])


def link(place: Place) -> str:
    """Where a browser finds the console, with the token in the part that never leaves the browser."""
    return f"http://{_published()}:{place.port('lab')}/#token={place.secret('lab_token')}"


def _published() -> str:
    """The address that a browser on this machine can use."""
    bind = os.environ.get("FAULTLINE_BIND", "")
    return HOST if bind in ("", "0.0.0.0", "::") else bind
