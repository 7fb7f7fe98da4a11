"""``faultline doctor``: can this machine run the stack?"""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.text import Text

from lab import checkup
from lab.cli.output import AsJson, console, print_json, table
from lab.place import Place

_STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


def doctor(as_json: AsJson = False) -> None:
    """Check memory, disk, ports, Python, container engine and packages, and say what will be downloaded.

    Exits with 1 if something stands in the way of `faultline up`.

    [dim]Example:[/dim]
      faultline doctor
    """
    findings = checkup.findings(Place.from_environment())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [(finding.subject, Text(finding.level, _STYLES[finding.level]), finding.text) for finding in findings]
        console().print(table(("", "", ""), rows))
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(1)
