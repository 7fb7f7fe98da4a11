"""``faultline campaign``, ``export``, ``score`` and ``replay``: recorded cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.campaign.plan import plan
from lab.campaign.record import Recorder, Times
from lab.cli.output import console
from lab.clients.http import open_client
from lab.diagnosis.collect import Backends
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place
from lab.stack import is_up

_TIMEOUT_S = 60.0

Folder = Annotated[str, typer.Option(help="Where the cases are kept; in the run folder unless given.")]


def campaign(
    folder: Folder = "",
    seed: Annotated[int, typer.Option(help="Draws places, intensities and the order.")] = 8,
    each: Annotated[int, typer.Option(min=1, help="Cases a fault.")] = 2,
    only: Annotated[str, typer.Option(help="Only cases whose name holds this text.")] = "",
    window: Annotated[float, typer.Option(min=10, help="Seconds of a fault's window.")] = 40.0,
) -> None:
    """Record cases for the benchmark and for practice; what is there is not recorded again.

    [dim]Examples:[/dim]
      faultline campaign
      faultline campaign --each 1 --only crash-loop
    """
    place = Place.from_environment()
    if not is_up(place):
        raise LabError("Nothing is running.", "`faultline up` starts it.")
    out = console()
    cases = [case for case in plan(ROWS.values(), seed, each) if only in case.id]
    with open_client(_TIMEOUT_S) as http:
        backends = Backends.at(place.url("telemetry_store"), place.url("prometheus"), http)
        recorder = Recorder(place, backends, folder_of(place, folder), Times(fault_s=window), out.print)
        count = recorder.run(cases)
    out.print(f"{count} cases recorded, {len(cases)} in all.")


def folder_of(place: Place, folder: str) -> Path:
    return Path(folder) if folder else place.run_dir / "campaign"
