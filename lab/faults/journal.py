"""Changes to what all share: how to undo each, and until when it may last, is on disk before it is made."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lab import seal
from lab.faults import audit
from lab.faults.row import SharedEffect
from lab.faults.shared import Shared, make, undo
from lab.faults.wanted import Wanted, folder, replace
from lab.place import Place

_SUFFIX = ".sealed"


class Journal:
    """The shared changes in force. Its owner is the one keeper that holds the lease."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._folder = folder(place) / "undo"
        self._folder.mkdir(exist_ok=True)
        self._running: dict[str, Shared] = {}

    def names(self) -> set[str]:
        return {path.stem for path in self._folder.glob(f"*{_SUFFIX}")}

    def keep(self, key: str, row: Wanted, effect: SharedEffect) -> None:
        """Make the change where this keeper has not made it yet, and go on with what goes on."""
        if key not in self._running:
            change = make(effect, row)
            plan = self._plan(key) or self._write(key, effect.kind, row.ends_at, change.plan(self._place))
            change.apply(self._place, plan)
            self._running[key] = change
            audit.note(self._place, "changed", key=key, kind=effect.kind)
        self._running[key].go_on(self._place)

    def undo(self, key: str) -> None:
        """Put back what was changed, then forget how."""
        record = self._record(key)
        self._running.pop(key, None)
        undo(record["kind"], self._place, record["plan"])
        self._path(key).unlink()
        audit.note(self._place, "undone", key=key, kind=record["kind"])

    def overdue(self) -> list[str]:
        """What should have ended by now."""
        return [key for key in self.names() if self._record(key)["ends_at"] < time.time()]

    def _plan(self, key: str) -> dict[str, Any] | None:
        """What an earlier keeper wrote down before the same change: the state before it, which is gone now."""
        plan: dict[str, Any] | None = self._record(key)["plan"] if self._path(key).exists() else None
        return plan

    def _write(self, key: str, kind: str, ends_at: float, plan: dict[str, Any]) -> dict[str, Any]:
        replace(self._path(key), seal.seal({"kind": kind, "ends_at": ends_at, "plan": plan}, seal.key_of(self._place)))
        return plan

    def _record(self, key: str) -> dict[str, Any]:
        record: dict[str, Any] = seal.unseal(self._path(key).read_text(), seal.key_of(self._place))
        return record

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"
