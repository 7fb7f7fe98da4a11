"""Shifts of the world that can change while the traffic runs: read from a file, replaced as a whole."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab import atomic, seal
from lab.place import Place
from marketplace.world import Shifts

# No secret, as the traffic may run where the lab's key is not; but nobody reads a drill's answer here by accident.
_KEY = b"shifts"


def shifts_file(place: Place) -> Path:
    """Where the traffic of this stack looks."""
    return place.run_dir / "traffic" / "shifts.json"


def write_shifts(place: Place, shifts: Shifts, until: float = 0.0) -> None:
    """Let the traffic live in these shifts, at most until ``until`` (Unix seconds; 0: until the next call).

    ``Shifts()`` ends them. The file is replaced as a whole, so that nobody reads half of it.
    """
    path = shifts_file(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, seal.seal({"until": until, "shifts": asdict(shifts)}, _KEY))


def read_shifts(path: Path) -> tuple[dict[str, Any], float]:
    """(shifts by name, until when) as they were written. Raises ValueError, KeyError or TypeError for anything else."""
    document = seal.unseal(path.read_text(), _KEY)
    return document["shifts"], float(document["until"])


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
            shifts, until = read_shifts(self._path)
            return Shifts(**shifts), until, ""
        except (ValueError, TypeError, KeyError) as error:
            return Shifts(), 0.0, f"{self._path.name} cannot be read: {error}"
