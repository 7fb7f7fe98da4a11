"""``python -m lab.faults.keeper``: brings the system to what is wanted, once a second whether or not anything is.

Only one keeper of a place acts at a time: the one that holds the lease, which ends with its process.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from threading import Event

from redis.exceptions import RedisError

from lab.faults import audit, control, journal, wanted
from lab.faults.reconcile import Reconciler
from lab.place import Place
from lab.traffic.shifts import shifts_file

PASS_S = 1.0


def main() -> None:
    place = Place.from_environment()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    hold(place, stop)


def hold(place: Place, stop: Event) -> None:
    """Wait for the lease, then keep until told to stop."""
    with (wanted.folder(place) / "owner.lock").open("w") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        with control.open_http(place) as http:
            keep(place, Reconciler(place, http), stop)


def keep(place: Place, reconciler: Reconciler, stop: Event) -> None:
    """Passes at a constant rate until told to stop; then what all share is put back."""
    due, complained = time.monotonic(), ""
    reconciler.journal.begin()
    while not stop.is_set():
        _age_alike(place)
        try:
            _forget_the_past(place)
            reconciler.run(wanted.read(place))
            complained = ""
        except (RedisError, OSError) as error:
            # Redis is starting, or a fault has it refuse even the lab: the next pass tries again.
            if complained != str(error):
                audit.note(place, "cannot", reason=f"{type(error).__name__}: {error}")
                complained = str(error)
        due = max(due + PASS_S, time.monotonic())
        stop.wait(due - time.monotonic())
    for key in reconciler.journal.names():
        reconciler.journal.undo(key)


def _age_alike(place: Place) -> None:
    """No file's time tells when, or that, it was changed."""
    for path in (wanted.folder(place) / wanted.FILE, journal.path_of(place), shifts_file(place)):
        with suppress(FileNotFoundError):
            os.utime(path)


def _forget_the_past(place: Place) -> None:
    """Take what has ended out of the list."""
    now = time.time()
    if any(row.ends_at <= now for row in wanted.read(place)):
        with wanted.changed(place) as rows:
            for row in [row for row in rows if row.ends_at <= now]:
                rows.remove(row)
                audit.note(place, "ended", key=row.key, fault=row.fault)


if __name__ == "__main__":
    main()
