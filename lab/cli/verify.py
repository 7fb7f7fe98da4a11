"""``faultline verify``: does the running stack show what it should?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import typer

from lab.cli.output import AsJson, console, print_json
from lab.clients.http import open_client
from lab.place import Place
from lab.verify import Finding, Stack
from lab.verify import verify as findings

_STYLES = {"pass": "green", "fail": "bold red", "skip": "yellow"}


def verify(as_json: AsJson = False) -> None:
    """Check a running stack by its APIs: a prediction's trace and logs, an exemplar, every panel, every alert, a page.

    Each check says pass or fail and, where it failed, the next step. Exits with 1 where one failed.

    [dim]Example:[/dim]
      faultline verify
    """
    with open_client() as http:
        found = _shown(findings(Stack(Place.from_environment(), http)), quiet=as_json)
    if as_json:
        print_json([asdict(finding) for finding in found])
    if any(finding.outcome == "fail" for finding in found):
        raise typer.Exit(1)


def _shown(found: Iterator[Finding], *, quiet: bool) -> list[Finding]:
    """The findings as they come: the first ones stand there while the later checks still wait."""
    out, seen = console(), []
    for finding in found:
        seen.append(finding)
        if not quiet:
            out.print(f"{finding.outcome:<5}", style=_STYLES[finding.outcome], end="")
            out.print(f" {finding.check:<9} {finding.text}", markup=False, soft_wrap=True)
            if finding.next_step:
                out.print(f"      Next: {finding.next_step}", markup=False, soft_wrap=True)
    return seen
