"""The faults that are on in one process, each ended by a timer of its own whatever becomes of who asked for it."""

from __future__ import annotations

import importlib
import pkgutil
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, is_dataclass
from threading import RLock, Timer
from typing import Any

import chassis.faults
from chassis.context import REQUEST_ID
from chassis.faults.fault import Fault, FaultRefused, Where, make
from chassis.knobs import Knobs

LONGEST_S = 86_400.0
MOST_AT_ONCE = 32
_NOT_FAULTS = frozenset({"board", "fault", "routes"})
_BUCKETS = 1_000_000


def kinds() -> dict[str, type[Any]]:
    """Every fault's class by the name of its file: one class a file, so a new file is all that a new fault takes."""
    found = {}
    for module in pkgutil.iter_modules(chassis.faults.__path__):
        if module.name not in _NOT_FAULTS:
            found[module.name] = _class_in(f"chassis.faults.{module.name}")
    return found


def _class_in(name: str) -> type[Any]:
    members = vars(importlib.import_module(name)).values()
    own = [each for each in members if isinstance(each, type) and each.__module__ == name and is_dataclass(each)]
    if len(own) != 1:
        raise TypeError(f"{name} holds {len(own)} dataclasses, not one fault")
    return own[0]


@dataclass(frozen=True)
class Order:
    """A fault as asked for: which (``kind`` is its file's name), how strongly, for which requests, until when.

    ``key`` is the asker's own name for it; ``share`` is the part of the requests it concerns; ``ends_at`` is in
    seconds since the epoch.
    """

    key: str
    kind: str
    ends_at: float
    parameters: Mapping[str, object]
    intensity: float = 1.0
    share: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "kind": self.kind,
            "ends_at": self.ends_at,
            "parameters": dict(self.parameters),
            "intensity": self.intensity,
            "share": self.share,
        }


class Board:
    """Starts and ends faults. Every method may be called from any thread; none waits for the event loop."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs, self._lock = knobs, RLock()
        self._active: dict[str, tuple[Order, ExitStack, Timer]] = {}
        self.kinds = kinds()

    def start(self, order: Order) -> bool:
        """Begin a fault; False where it is on already, just so. Raises FaultRefused, and then nothing has changed."""
        with self._lock:
            before = self._active.get(order.key)
            if before is not None and before[0] == order:
                return False
            left = order.ends_at - time.time()
            if not 0 < left <= LONGEST_S:
                raise FaultRefused(f"it has to end within {LONGEST_S:g} seconds from now, not in {left:.1f}")
            fault = self._made(order)
            if before is not None:
                self.end(order.key)
            elif len(self._active) >= MOST_AT_ONCE:
                raise FaultRefused(f"{MOST_AT_ONCE} faults are on already")
            self._begin(order, fault, left)
            return True

    def end(self, key: str) -> bool:
        """End one fault and put back what it changed; False where it is not on."""
        with self._lock:
            found = self._active.pop(key, None)
            if found is None:
                return False
            _, life, timer = found
            timer.cancel()
            life.close()
            return True

    def end_all(self) -> None:
        for order in self.orders():
            self.end(order.key)

    def orders(self) -> list[Order]:
        """What is on now."""
        with self._lock:
            return [order for order, _, _ in self._active.values()]

    def _made(self, order: Order) -> Fault:
        kind = self.kinds.get(order.kind)
        if kind is None:
            raise FaultRefused(f"there is no fault {order.kind[:50]!r}")
        return make(kind, order.parameters, order.intensity)

    def _begin(self, order: Order, fault: Fault, left: float) -> None:
        with ExitStack() as life:
            life.enter_context(fault.active(Where(self._knobs, _applies(order))))
            timer = Timer(left, self._ended_by_itself, (order,))
            timer.daemon = True
            timer.start()
            self._active[order.key] = (order, life.pop_all(), timer)

    def _ended_by_itself(self, order: Order) -> None:
        with self._lock:
            if order in self.orders():  # and not a later order under the same key
                self.end(order.key)


def _applies(order: Order) -> Callable[[], bool] | None:
    """Whether the current request is of the share: by its id, so that all services agree on it."""
    if order.share >= 1:
        return None
    below = order.share * _BUCKETS

    def applies() -> bool:
        return zlib.crc32(REQUEST_ID.get().encode(), zlib.crc32(order.key.encode())) % _BUCKETS < below

    return applies
