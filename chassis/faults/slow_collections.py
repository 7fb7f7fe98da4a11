"""A huge graph of objects, and full collections over it, each of which stops the whole interpreter."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from chassis.faults.fault import Where, dial, fixed


@dataclass(frozen=True)
class SlowCollections:
    """The garbage collector has much to look at, and looks at it often."""

    objects: int = dial(300_000, 2_000_000, "Objects it has to look at.")
    every_s: float = fixed(0.6, "Seconds between two full collections.")

    @contextmanager
    def active(self, where: Where) -> Iterator[None]:
        where.whole()
        stop = Event()
        collector = Thread(target=self._collect, args=(stop,), name="worker", daemon=True)
        collector.start()
        try:
            yield
        finally:
            stop.set()
            collector.join()

    def _collect(self, stop: Event) -> None:
        graph: list[list[object]] = []
        while len(graph) < self.objects and not stop.is_set():
            graph.extend([graph] for _ in range(10_000))
        while not stop.wait(self.every_s):
            gc.collect()
        graph.clear()
