"""Users who behave otherwise than the models have learnt."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from lab.faults.wanted import Wanted
from lab.place import Place
from lab.traffic.shifts import read_shifts, shifts_file, write_shifts
from marketplace.world import Shifts

_DEFAULTS = {each.name: each.default for each in fields(Shifts)}


class TrafficShift:
    """Moves the shifts that the traffic lives in; intensity scales each from where it means nothing."""

    def __init__(self, row: Wanted, **moved: Any) -> None:
        self._until = row.ends_at
        self._moved = {name: _scaled(name, value, row.intensity) for name, value in moved.items()}
        if row.segment:
            self._moved["stopped_segment"] = row.segment

    def plan(self, place: Place) -> dict[str, Any]:
        return {"names": list(self._moved)}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        shifts, until = _now(place)
        write_shifts(place, Shifts(**{**shifts, **self._moved}), max(until, self._until))

    def go_on(self, place: Place) -> None:
        """The traffic has read it; it ends by itself where nobody undoes it."""

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        shifts, until = _now(place)
        back = {name: _DEFAULTS[name] for name in plan["names"]}
        write_shifts(place, Shifts(**{**shifts, **back}), until)


def _now(place: Place) -> tuple[dict[str, Any], float]:
    path = shifts_file(place)
    if not path.exists():
        return asdict(Shifts()), 0.0
    return read_shifts(path)


def _scaled(name: str, value: Any, intensity: float) -> Any:
    """``value`` at intensity 1, and proportionally nearer to the field's default below."""
    default = _DEFAULTS[name]
    return default + (value - default) * intensity if isinstance(default, float) else value
