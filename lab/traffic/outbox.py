"""What is to be sent later, in batches: a heap by due time, bounded, in memory only."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from typing import Any

import orjson

from lab.traffic.wire import Wire

_BATCH = 100  # the most that the gateway takes in one request
_RETRY_S = 5.0
_JSON = {"content-type": "application/json"}
_LATER = frozenset({408, 429})  # and every 5xx


class Outbox:
    """Posts ``{key: [items that are due]}`` to ``path``.

    What the gateway cannot take now is sent again, which is safe because events and outcomes carry ids. ``counts``:
    sent, lost (the box was full), refused_STATUS (never to be taken) and retried, in items.
    """

    def __init__(self, path: str, key: str, limit: int) -> None:
        self.path, self.key, self.limit = path, key, limit
        self.counts: Counter[str] = Counter()
        self._heap: list[tuple[float, int, dict[str, Any]]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, due: float, item: dict[str, Any]) -> None:
        """Keep an item until ``due`` (Unix seconds); a full box loses it, and counts that."""
        if len(self._heap) >= self.limit:
            self.counts["lost"] += 1
            return
        heapq.heappush(self._heap, (due, next(self._order), item))

    async def deliver(self, wire: Wire, now: float) -> None:
        """Send all that is due by ``now``, stopping at the first batch that has to wait."""
        while batch := self._take(now):
            if not await self._sent(wire, batch):
                for item in batch:
                    self.put(now + _RETRY_S, item)
                return

    def _take(self, now: float) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        while self._heap and self._heap[0][0] <= now and len(batch) < _BATCH:
            batch.append(heapq.heappop(self._heap)[2])
        return batch

    async def _sent(self, wire: Wire, batch: list[dict[str, Any]]) -> bool:
        """False where the batch is to be sent again."""
        try:
            status, _ = await wire.post(self.path, _JSON, orjson.dumps({self.key: batch}))
        except OSError:  # TimeoutError is one as well
            self.counts["retried"] += len(batch)
            return False
        if status >= 500 or status in _LATER:
            self.counts["retried"] += len(batch)
            return False
        self.counts["sent" if status < 300 else f"refused_{status}"] += len(batch)
        return True
