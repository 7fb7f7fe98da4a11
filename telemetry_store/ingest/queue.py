"""The bounded queue between the receiver and the writer."""

import threading
import time
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Parcel:
    """One accepted request: its signal, decoded message, number of spans or lines, and bytes before decoding."""

    signal: Literal["traces", "logs"]
    message: Any
    items: int
    size: int


class IngestQueue:
    """First in, first out; refuses instead of growing past `items` spans and lines or `size` bytes."""

    def __init__(self, items: int, size: int) -> None:
        self._items_limit, self._size_limit = items, size
        self._parcels: list[Parcel] = []
        self._items = self._size = 0
        self._closed = False
        self._changed = threading.Condition()

    def limit(self, items: int) -> None:
        """Another bound from now on; with 0 everything is refused."""
        self._items_limit = items

    @property
    def items(self) -> int:
        """Spans and lines waiting."""
        return self._items

    def put(self, parcel: Parcel) -> bool:
        """Take a parcel in, or answer False: full or closed. A parcel larger than the bound passes when alone."""
        with self._changed:
            over = self._items + parcel.items > self._items_limit or self._size + parcel.size > self._size_limit
            if self._closed or (over and (self._parcels or not self._items_limit)):
                return False
            self._parcels.append(parcel)
            self._items += parcel.items
            self._size += parcel.size
            self._changed.notify()
            return True

    def take(self, linger: float, enough: int) -> list[Parcel] | None:
        """Everything waiting, `linger` seconds after the first or once `enough` items; None after close()."""
        with self._changed:
            self._changed.wait_for(lambda: self._parcels or self._closed)
            deadline = time.monotonic() + linger
            self._changed.wait_for(lambda: self._items >= enough or self._closed, deadline - time.monotonic())
            if not self._parcels:
                return None
            taken, self._parcels = self._parcels, []
            self._items = self._size = 0
            return taken

    def close(self) -> None:
        """Refuse from now on; take() hands out what is left and then None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
