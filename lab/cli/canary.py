"""``faultline canary``: how many users get a model's candidate version."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from lab.cli.output import AsJson, console, print_json
from lab.clients.control import Control
from lab.place import Place


class CanaryModel(StrEnum):
    """The models of which two versions serve."""

    TEXT = "nlp_model"
    PHOTO = "cv_model"


def canary(
    model: Annotated[CanaryModel, typer.Argument(help="Which model.")],
    share: Annotated[float, typer.Argument(min=0, max=100, help="Percent of users who get v2.")],
    as_json: AsJson = False,
) -> None:
    """Let a share of the users have a model's version v2, from the next request on, at every orchestrator.

    A user keeps their version while the share stands; a smaller share takes users back from those who joined last.

    [dim]Examples:[/dim]
      faultline canary nlp_model 50
      faultline canary cv_model 0
    """
    place = Place.from_environment()
    set_share(place, model.value, share)
    if as_json:
        print_json({"model": model.value, "share_percent": share})
        return
    console().print(f"{share:g} % of users get {model.value} v2, the others v1.", highlight=False)


def set_share(place: Place, model: str, share: float) -> None:
    """Turn the knob at the orchestrator. Raises LabError where it does not answer or refuses."""
    Control.of(place, "orchestrator").set_knob(f"canary.{model}", float(share))
