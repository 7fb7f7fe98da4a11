"""Changes to what all share: how to undo each, and until when it may last, is on disk before it is made.

It is one file, there from the first keeper on and always of one length: that something is in it shows to nobody.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from lab import atomic, seal
from lab.faults import audit
from lab.faults.row import SharedEffect
from lab.faults.shared import Shared, make, undo
from lab.faults.wanted import Wanted, folder
from lab.place import Place

FILE = "undo.sealed"
_BLOCK = 1 << 20  # more than any plan takes: users' features, the largest, have half of it


class Journal:
    """The shared changes in force, as they were when this was made. One changes it: the keeper that holds the lease."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._records: dict[str, dict[str, Any]] = _read(place)
        self._running: dict[str, Shared] = {}

    def names(self) -> set[str]:
        return {*self._records}

    def keep(self, key: str, row: Wanted, effect: SharedEffect) -> None:
        """Make the change where this keeper has not made it yet, and go on with what goes on."""
        if key not in self._running:
            change = make(effect, row)
            if key not in self._records:  # else an earlier keeper wrote down the state before it, which is gone now
                plan = change.plan(self._place)
                self._write({**self._records, key: {"kind": effect.kind, "ends_at": row.ends_at, "plan": plan}})
            change.apply(self._place, self._records[key]["plan"])
            self._running[key] = change
            audit.note(self._place, "changed", key=key, kind=effect.kind)
        self._running[key].go_on(self._place)

    def undo(self, key: str) -> None:
        """Put back what was changed, then forget how."""
        record = self._records[key]
        self._running.pop(key, None)
        undo(record["kind"], self._place, record["plan"])
        self._write({other: kept for other, kept in self._records.items() if other != key})
        audit.note(self._place, "undone", key=key, kind=record["kind"])

    def overdue(self) -> list[str]:
        """What should have ended by now."""
        return [key for key, record in self._records.items() if record["ends_at"] < time.time()]

    def begin(self) -> None:
        """Have the file, whatever is in it."""
        self._write(self._records)

    def _write(self, records: dict[str, dict[str, Any]]) -> None:
        atomic.write(path_of(self._place), seal.seal(records, seal.key_of(self._place), block=_BLOCK))
        self._records = records


def path_of(place: Place) -> Path:
    return folder(place) / FILE


def _read(place: Place) -> dict[str, dict[str, Any]]:
    path = path_of(place)
    records: dict[str, dict[str, Any]] = seal.unseal(path.read_text(), seal.key_of(place)) if path.exists() else {}
    return records
