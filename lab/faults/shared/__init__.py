"""Changes to what all share: one class in one file each, found by the file's name."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from lab.faults.row import SharedEffect
from lab.faults.wanted import Wanted
from lab.place import Place


class Shared(Protocol):
    """A change that is planned (what it takes to undo it), made, kept going, and undone from its plan alone."""

    def plan(self, place: Place) -> dict[str, Any]:
        """What ``undo`` will need, as JSON; asked before anything is changed."""

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        """Make the change; where it was made already, nothing happens."""

    def go_on(self, place: Place) -> None:
        """What has to be done again and again; called about once a second."""

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        """Put everything back; where that was done already, nothing happens."""


def make(effect: SharedEffect, row: Wanted) -> Shared:
    """The change of one effect, as strong, for as long and for the segment that is wanted."""
    change: Shared = _class(effect.kind)(row, **{**effect.parameters, **row.parameters})
    return change


def undo(kind: str, place: Place, plan: dict[str, Any]) -> None:
    _class(kind).undo(place, plan)


def _class(kind: str) -> Any:
    """The one class whose module is ``kind``: ``redis_rights`` holds ``RedisRights``."""
    module = import_module(f"lab.faults.shared.{kind}")
    return getattr(module, "".join(part.title() for part in kind.split("_")))
