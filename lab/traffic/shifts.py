"""Shifts of the world that can change while the traffic runs: read from a file, replaced as a whole."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from lab.place import Place
from marketplace.world import Shifts


def shifts_file(place: Place) -> Path:
    """Where the traffic of this stack looks."""
    return place.run_dir / "traffic" / "shifts.json"


def write_shifts(place: Place, shifts: Shifts, until: float = 0.0) -> None:
    """Let the traffic live in these shifts, at most until ``until`` (Unix seconds; 0: until the next call).

    ``Shifts()`` ends them. The file is replaced as a whole, so that nobody reads half of it.
    """
    path = shifts_file(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"until": until, "shifts": asdict(shifts)}))
    os.replace(fresh, path)


class WantedShifts:
    """What the file asks for. ``problem`` says why the last one could not be taken, and then nothing is shifted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, int] = (0, 0)
        self._wanted, self._until = Shifts(), 0.0
        self.problem = ""

    def now(self) -> Shifts:
        """The shifts that hold now; the file is read again only where it has changed."""
        stamp = self._stamp()
        if stamp != self._read:
            self._read = stamp
            self._wanted, self._until, self.problem = self._parse() if any(stamp) else (Shifts(), 0.0, "")
        return Shifts() if self._until and time.time() >= self._until else self._wanted

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return found.st_mtime_ns, found.st_ino

    def _parse(self) -> tuple[Shifts, float, str]:
        try:
            document = json.loads(self._path.read_text())
            return Shifts(**document["shifts"]), float(document["until"]), ""
        except (ValueError, TypeError, KeyError) as error:
            return Shifts(), 0.0, f"{self._path.name} cannot be read: {error}"
