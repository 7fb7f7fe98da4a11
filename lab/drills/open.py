"""Whether the lab's own books are open. They tell what is on and why, so they are closed while somebody plays.

The one rule for the command line, the console and whoever else shows fault control: ask ``ensure_open`` first.
"""

from __future__ import annotations

import fcntl
import json
import time

from lab.place import LabError, Place

# Each of a drill's faults also ends by its own timer: after this long a forgotten drill is over.
LONGEST_S = 1_500.0


class Closed(LabError):
    """Somebody plays: fault board, audit and answers are closed until the end."""


def ensure_open(place: Place) -> None:
    """Raises Closed while a drill or a game day runs; the same words whatever is hidden."""
    if drill_runs(place):
        raise Closed(
            "A drill is running: the fault board is closed until it ends, so that nobody reads its answer by accident.",
            "`faultline drill answer` and `act`, or `faultline drill give-up`, end it.",
        )
    if game_day_runs(place):
        raise Closed(
            "A game day is being played: the fault board is closed until it ends.",
            "The instructor's `faultline gameday answers --token TOKEN` shows what comes when.",
        )


def drill_runs(place: Place) -> bool:
    """Whether a drill runs whose time is not over."""
    path = place.run_dir / "drills" / "current.json"
    try:
        started = float(json.loads(path.read_text())["started"])
    except FileNotFoundError:
        return False
    return time.time() <= started + LONGEST_S


def game_day_runs(place: Place) -> bool:
    """Whether a runner holds the game day's lease, which ends with its process."""
    path = place.run_dir / "gameday" / "lease"
    if not path.exists():
        return False
    with path.open() as lease:
        try:
            fcntl.flock(lease, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
