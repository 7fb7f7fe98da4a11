"""Predictions kept in Redis, so that outcomes which come days later find them.

Keys: ``prediction:ID`` holds a row as JSON; ``prediction:index`` orders the ids by time, so that the oldest go first;
``prediction:ID:served`` holds the features it was made of, for as long as a data set may want them.
Written in small batches off the request's path.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time

from pydantic import BaseModel, Field
from redis.asyncio import Redis

from chassis import semconv
from chassis.redis import RedisStore, StoreUnavailable
from chassis.telemetry import Telemetry
from chassis.topk import TopK

KEPT = 200_000  # predictions
PENDING = 2_000  # predictions not written yet; more are dropped, and counted
WRITE_EVERY_S = 0.25
SERVED_KEPT_S = 1_800
INDEX = "prediction:index"
SEGMENTS, SEGMENTS_EVER = 5, 7  # shown by name: the world has four and "unknown", but they come with the data
_ID_TIME_DIGITS = 12
_KEYS = ("prediction:{}", "prediction:{}:served", "outcome:{}")


class Row(BaseModel):
    """One prediction as an outcome needs it: when, in which trace, by which versions, for whom, and what it said."""

    prediction_id: str
    predicted_at: float
    trace_id: str
    span_id: str = ""
    segment: str
    versions: dict[str, str]
    probability: float
    likely: bool
    price: float
    low: float = 0.0  # the price's interval
    high: float = 0.0
    served: dict[str, float | str] = Field(default={}, exclude=True)  # under a key of its own, which ends sooner


def new_id() -> str:
    """An id whose first twelve digits are the time in milliseconds: how old an unknown one is can be told."""
    return f"{time.time_ns() // 1_000_000:0{_ID_TIME_DIGITS}x}{secrets.token_hex(4)}"


def made_at(prediction_id: str) -> float:
    """Seconds since the epoch at which an id was made."""
    return int(prediction_id[:_ID_TIME_DIGITS], 16) / 1000


def word(value: bool) -> str:
    """As a label's value."""
    return "yes" if value else "no"


class Ledger:
    """Writes predictions behind the requests, and finds them again."""

    def __init__(self, store: RedisStore, telemetry: Telemetry) -> None:
        self.store, self.telemetry = store, telemetry
        self._pending: dict[str, Row] = {}
        self._writing = asyncio.Lock()
        self._segments = TopK(SEGMENTS, SEGMENTS_EVER)
        telemetry.gauge_callback(semconv.LEDGER_PENDING, lambda: len(self._pending))

    def remember(self, row: Row) -> None:
        """Queues the row; where Redis has been away for long and the queue is full, it is dropped and counted."""
        if len(self._pending) >= PENDING:
            self.telemetry.count(semconv.LEDGER_DROPPED)
            return
        self._pending[row.prediction_id] = row

    async def run(self) -> None:
        """Writes what is queued, four times a second, until its task is cancelled."""
        complained = False
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            try:
                await self.flush()
                complained = False
            except StoreUnavailable as error:
                if not complained:
                    self.telemetry.log.warning(f"predictions are not being kept: {error}")
                complained = True

    async def flush(self) -> None:
        """Everything queued is in Redis, or StoreUnavailable is raised and it is still queued."""
        async with self._writing:
            rows = list(self._pending.values())
            if not rows:
                return
            await self.store.run(lambda redis: _write(redis, rows))
            for row in rows:
                del self._pending[row.prediction_id]
                self._count(row)

    def segment(self, row: Row) -> str:
        """The row's segment as a label."""
        return self._segments.label(row.segment)

    def _count(self, row: Row) -> None:
        labels = {"segment": self.segment(row), "predicted": word(row.likely)}
        for model, version in row.versions.items():
            self.telemetry.count(semconv.PREDICTIONS_KEPT, model_name=model, model_version=version, **labels)

    async def close(self) -> None:
        """Writes what is left, where Redis still answers; else says how many predictions go unkept."""
        try:
            await self.flush()
        except StoreUnavailable as error:
            self.telemetry.count(semconv.LEDGER_DROPPED, len(self._pending))
            self.telemetry.log.error(f"{len(self._pending)} predictions could not be kept: {error}")

    async def find(self, ids: list[str]) -> dict[str, Row]:
        """The rows that are kept, by id. Raises StoreUnavailable."""
        if any(prediction_id in self._pending for prediction_id in ids):
            await self.flush()
        texts = await self.store.run(lambda redis: redis.mget([f"prediction:{prediction_id}" for prediction_id in ids]))
        rows = (Row.model_validate_json(text) for text in texts if text is not None)
        return {row.prediction_id: row for row in rows}

    async def oldest(self) -> float:
        """Predictions made before this (Unix seconds) have had to go; 0 while there is room for all."""
        first = await self.store.run(_oldest_of_a_full_index)
        return float(first[0][1]) if first else 0.0


async def _oldest_of_a_full_index(redis: Redis) -> list[tuple[str, float]]:
    if await redis.zcard(INDEX) < KEPT:
        return []
    first: list[tuple[str, float]] = await redis.zrange(INDEX, 0, 0, withscores=True)  # type: ignore[assignment]
    return first


async def _write(redis: Redis, rows: list[Row]) -> None:
    async with redis.pipeline(transaction=True) as pipeline:
        pipeline.mset({f"prediction:{row.prediction_id}": row.model_dump_json() for row in rows})
        for row in rows:
            if row.served:
                pipeline.set(f"prediction:{row.prediction_id}:served", json.dumps(row.served), ex=SERVED_KEPT_S)
        pipeline.zadd(INDEX, {row.prediction_id: row.predicted_at for row in rows})
        pipeline.zcard(INDEX)
        *_, count = await pipeline.execute()
    if count > KEPT:
        gone: list[tuple[str, float]] = await redis.zpopmin(INDEX, count - KEPT)  # type: ignore[assignment]
        # With each row goes the mark that its outcome came: such marks would outnumber the rows in weeks.
        ids = [prediction_id for prediction_id, _ in gone]
        await redis.delete(*(key.format(each) for each in ids for key in _KEYS))
