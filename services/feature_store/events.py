"""Users' events: appended to a Redis stream when accepted, and counted in each user's aggregates a moment later.

An event is accepted once Redis has it, so nothing accepted is lost when a process ends. The consumer counts each event
id once, in any order; what it had read and not finished is read again after a restart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from redis import exceptions
from redis.asyncio import Redis

from chassis import semconv
from chassis.redis import RedisStore
from chassis.telemetry import Telemetry
from services.feature_store.schemas import SessionEvent

STREAM, GROUP = "events", "aggregates"
STREAM_LENGTH = 100_000  # events kept at most
BATCH, BLOCK_MS, RETRY_S = 100, 500, 1.0
WEIGHT = 0.2  # of one session in a user's running aggregate
REMEMBERED = 50  # latest events of a user whose second copies are known for such
FEATURES = ("session_duration", "items_viewed", "saved")

NEEDED = {"event_id", "user_id", "occurred_at", *FEATURES}
ABANDONED_MS = 30_000  # an entry read so long ago and not finished is somebody else's no more

Entry = tuple[str, dict[str, str]]


class EventLog:
    """Where accepted events go."""

    def __init__(self, store: RedisStore, telemetry: Telemetry) -> None:
        self.store, self.telemetry = store, telemetry

    async def append(self, events: list[SessionEvent]) -> None:
        """All of them or, where Redis cannot be used, StoreUnavailable; sending them again does no harm."""
        await self.store.run(lambda redis: self._append(redis, events))
        self.telemetry.count(semconv.EVENTS_ACCEPTED, len(events))

    async def _append(self, redis: Redis, events: list[SessionEvent]) -> None:
        async with redis.pipeline(transaction=True) as pipeline:
            for event in events:
                pipeline.xadd(STREAM, event.fields(), maxlen=STREAM_LENGTH, approximate=True)
            await pipeline.execute()


class Aggregator:
    """Reads the stream and keeps the users' aggregates up to date, until its task is cancelled."""

    def __init__(self, store: RedisStore, telemetry: Telemetry, consumer: str) -> None:
        self.store, self.telemetry, self.consumer = store, telemetry, consumer
        self._script = store.client.register_script(Path(__file__).with_name("aggregates.lua").read_text())
        self._waiting = 0
        self._counting = telemetry.knobs.register("events.counting", True, "Whether accepted events are counted.")
        telemetry.gauge_callback(semconv.EVENTS_WAITING, lambda: self._waiting)

    async def run(self) -> None:
        """Never ends by itself: where Redis is away it asks again, once a second, and says so once."""
        ready, complained = False, False
        while True:
            try:
                if not self._counting.value:
                    await self._stand_still()
                    continue
                if not ready:
                    await self._resume()
                    ready = True
                await self._count(await self._read(">"))
                complained = False
            except (exceptions.RedisError, OSError) as error:
                if not complained:
                    self.telemetry.log.warning(f"events are not being counted: {type(error).__name__}: {error}")
                ready, complained = False, True
                await asyncio.sleep(RETRY_S)

    async def _stand_still(self) -> None:
        """Events pile up in the stream, and how many do is still told."""
        await asyncio.sleep(BLOCK_MS / 1000)
        self._waiting = await self._lag()

    async def _resume(self) -> None:
        """Makes the group where there is none, and finishes what this consumer had begun."""
        try:
            await self.store.client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except exceptions.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        while begun := await self._read("0"):
            await self._count(begun)
        await self._take_over()

    async def _take_over(self) -> None:
        """Counts what a consumer that is gone had read: in a cluster, names do not come back."""
        since = "0-0"
        while True:
            since, entries, *_ = await self.store.client.xautoclaim(
                STREAM, GROUP, self.consumer, min_idle_time=ABANDONED_MS, start_id=since, count=BATCH
            )
            if entries:
                await self._count(entries)
            if since == "0-0":
                return

    async def _read(self, since: str) -> list[Entry]:
        """The next entries: new ones (``>``), waited for, or from ``0`` those begun and not finished."""
        block = BLOCK_MS if since == ">" else None
        answer = await self.store.client.xreadgroup(GROUP, self.consumer, {STREAM: since}, count=BATCH, block=block)
        return [entry for _, entries in _streams(answer) for entry in entries]

    async def _count(self, entries: list[Entry]) -> None:
        if not entries:
            self._waiting = 0
            return
        readable = [entry for entry in entries if entry[1].keys() >= NEEDED]
        with self.telemetry.span("aggregate_events", {semconv.EVENT_COUNT: len(entries)}):
            counted = await self._apply(entries, readable)
        self.telemetry.count(semconv.EVENTS_COUNTED, counted, result="counted")
        self.telemetry.count(semconv.EVENTS_COUNTED, len(readable) - counted, result="repeated")
        # Of another version of this service, or nobody's: it must not stop those behind it.
        self.telemetry.count(semconv.EVENTS_COUNTED, len(entries) - len(readable), result="unreadable")
        for _, fields in readable:
            self.telemetry.observe(semconv.EVENT_LAG, max(0.0, time.time() - float(fields["occurred_at"])))
        self._waiting = await self._lag()

    async def _apply(self, entries: list[Entry], readable: list[Entry]) -> int:
        """How many were new; all ``entries`` are done with."""
        async with self.store.client.pipeline(transaction=False) as pipeline:
            for _, fields in readable:
                await self._script(
                    keys=[f"user:{fields['user_id']}", f"user:{fields['user_id']}:events"],
                    args=[WEIGHT, REMEMBERED, fields["event_id"], fields["occurred_at"], *_values(fields)],
                    client=pipeline,
                )
            pipeline.xack(STREAM, GROUP, *(entry_id for entry_id, _ in entries))
            answers = await pipeline.execute()
        return int(sum(answers[: len(readable)]))

    async def _lag(self) -> int:
        """Events in the stream that the group has not read yet."""
        groups = await self.store.client.xinfo_groups(STREAM)
        return next((int(group.get("lag") or 0) for group in groups if group["name"] == GROUP), 0)


def _streams(answer: object) -> list[tuple[str, list[Entry]]]:
    """Redis answers nothing, a list of pairs, or (RESP3) a mapping of lists of lists."""
    if not answer:
        return []
    if isinstance(answer, Mapping):
        return [(name, [entry for part in parts for entry in part]) for name, parts in answer.items()]
    assert isinstance(answer, list)
    return answer


def _values(fields: Mapping[str, str]) -> list[str]:
    return [text for feature in FEATURES for text in (feature, fields[feature])]
