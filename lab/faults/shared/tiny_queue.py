"""The telemetry backend's queue made tiny."""

from __future__ import annotations

from typing import Any

from lab.faults.wanted import Wanted
from lab.place import Place

FILE = "limits.json"


class TinyQueue:
    """The store reads the length of its queue from a file in its folder, again whenever the file changes."""

    def __init__(self, row: Wanted, items: int = 0) -> None:
        self._items = items

    def plan(self, place: Place) -> dict[str, Any]:
        return {}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        (place.run_dir / "telemetry_store" / FILE).write_text(f'{{"queue_items": {self._items}}}')

    def go_on(self, place: Place) -> None:
        """The file stays."""

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        (place.run_dir / "telemetry_store" / FILE).unlink(missing_ok=True)
