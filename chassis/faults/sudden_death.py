"""A process that is killed, and killed again each time it has come back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class SuddenDeath:
    """The process is killed a little after it has come up."""

    # Long enough to be scraped once: a life between two scrapes leaves no trace in the metrics.
    after_s: float = dial(20.0, 6.0, "Seconds it may live.")

    @contextmanager
    def active(self, where: Where) -> Iterator[None]:
        where.whole()
        timer = Timer(self.after_s, os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
