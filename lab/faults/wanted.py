"""What is wanted: the faults somebody asked for, in one file that the command line writes and the keeper reads.

It is sealed, as all of fault control's files are: a player who comes by learns nothing of a hidden fault.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab import atomic, seal
from lab.place import Place

FILE = "wanted.sealed"


@dataclass(frozen=True)
class Wanted:
    """One fault asked for: which, where, how strongly, for which requests, until when (seconds since the epoch)."""

    key: str
    fault: str
    at: str
    ends_at: float
    intensity: float = 1.0
    share: float = 1.0
    instance: str = ""
    segment: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def folder(place: Place) -> Path:
    """Where fault control keeps its files; nobody else reads them."""
    path = place.run_dir / "control"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def read(place: Place) -> list[Wanted]:
    path = folder(place) / FILE
    return [Wanted(**row) for row in seal.unseal(path.read_text(), seal.key_of(place))] if path.exists() else []


@contextmanager
def changed(place: Place) -> Iterator[list[Wanted]]:
    """The list, to be changed in place; written when the block ends well. One writer at a time."""
    with (folder(place) / "wanted.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = read(place)
        yield rows
        atomic.write(folder(place) / FILE, seal.seal([asdict(row) for row in rows], seal.key_of(place)))
