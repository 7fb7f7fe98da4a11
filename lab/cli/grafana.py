"""``faultline grafana``: an installed Grafana beside the local stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.output import console
from lab.place import HOST, LabError, Place
from lab.stack import grafana as beside
from lab.stack import modes, require_up
from lab.stack.modes import Target


def grafana(
    home: Annotated[Path, typer.Option(help="The folder of an unpacked Grafana 13: bin, conf, public.")],
) -> None:
    """Run a Grafana that you have, with the clusters' data sources and dashboards, on the local stack; Ctrl-C ends it.

    [dim]Example:[/dim]
      faultline grafana --home ~/grafana-13.2.2
    """
    place = Place.from_environment()
    if (mode := modes.recorded(place)) is not Target.LOCAL:
        raise LabError(
            f"The stack runs as {mode.value}, with a Grafana of its own.", "Its address: `faultline status`."
        )
    require_up(place)
    beside.command(place, home)  # complains before anything is promised
    console().print(f"Grafana will be at http://{HOST}:{beside.PORT + place.offset} in a moment.", markup=False)
    beside.run(place, home)
