"""What belongs to one drill and may be read by its player: hints told, pins, and, once answered, marks and solution.

Nothing here is secret at the time when it is written.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab import atomic
from lab.place import Place

Note = dict[str, Any]


def read(place: Place, identity: str) -> Note:
    """Everything noted so far; an empty note where there is nothing."""
    path = _path(place, identity)
    return _blank() | (json.loads(path.read_text()) if path.exists() else {})


@contextmanager
def changed(place: Place, identity: str) -> Iterator[Note]:
    """A drill's note, to be changed in place; written when the block ends well. One writer at a time."""
    path = _path(place, identity)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = read(place, identity)
        yield note
        atomic.write(path, json.dumps(note))


def _blank() -> Note:
    return {"opening": "", "hints": [], "answers": [], "marks": None, "solution": None, "done": "", "pins": []}


def _path(place: Place, identity: str) -> Path:
    return place.run_dir / "drills" / "notes" / f"{identity}.json"
