"""The length of the queue, which an operator may change while the store runs."""

import json
import logging
import threading
from pathlib import Path

from telemetry_store.ingest.queue import IngestQueue

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Limits(threading.Thread):
    """Follows a file that may hold ``{"queue_items": n}``; without it, or with nonsense in it, `usual` holds."""

    def __init__(self, path: Path, queue: IngestQueue, usual: int) -> None:
        super().__init__(name="limits", daemon=True)
        self._path, self._queue, self._usual = path, queue, usual
        self._stopped = threading.Event()  # Thread has a _stop of its own

    def run(self) -> None:
        """Look once a second, until stopped."""
        while not self._stopped.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Take over what the file says now."""
        self._queue.limit(self._said())

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _said(self) -> int:
        try:
            said = json.loads(self._path.read_text())["queue_items"]
            return max(0, int(said))
        except FileNotFoundError:
            return self._usual
        except (OSError, OverflowError, ValueError, TypeError, KeyError) as error:
            log.warning("%s is not understood: %s", self._path, error)
            return self._usual
