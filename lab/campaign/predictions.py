"""Predictions as the orchestrator kept them: versions, scores, what they were made of, and the label where it has come.

Telemetry does not carry served features or labels; the ledger in Redis does, features for half an hour.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from redis import Redis

from lab import atomic
from lab.faults.redis_admin import connect
from lab.place import Place

FILE = "predictions.json.gz"
_INDEX = "prediction:index"
_AT_ONCE = 500

Row = dict[str, Any]


def read(place: Place, start_s: float, end_s: float) -> list[Row]:
    """Every kept prediction of that time (Unix seconds), the oldest first.

    A row is the ledger's, with ``served`` (features by name; empty where they have expired) and ``label`` (None, or
    ``converted``, ``at`` and ``sale_price``). Raises RedisError where Redis does not answer.
    """
    with connect(place) as redis:
        ids: list[str] = redis.zrangebyscore(_INDEX, start_s, end_s)
        return [row for part in _parts(ids) for row in _rows(redis, part)]


def with_labels(place: Place, rows: Sequence[Row]) -> list[Row]:
    """The rows with the labels that have come by now. Raises RedisError."""
    missing = [row["prediction_id"] for row in rows if row["label"] is None]
    with connect(place) as redis:
        marks = [mark for part in _parts(missing) for mark in _get(redis, "outcome:{}", part)]
    come = dict(zip(missing, map(label_of, marks), strict=True))
    return [{**row, "label": row["label"] or come.get(row["prediction_id"])} for row in rows]


def label_of(mark: str | None) -> Row | None:
    """The orchestrator's mark of an outcome ("1 1795461234.5 310000") in names; None without one."""
    if mark is None or mark.count(" ") != 2:
        return None
    converted, at, price = mark.split()
    return {"converted": converted == "1", "at": float(at), "sale_price": float(price) or None}


def save(path: Path, rows: Iterable[Row]) -> None:
    atomic.write(path, gzip.compress(json.dumps(list(rows)).encode(), mtime=0))


def load(path: Path) -> list[Row]:
    """The saved rows; none where nothing was saved."""
    found: list[Row] = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else []
    return found


def _rows(redis: Redis, ids: Sequence[str]) -> list[Row]:
    kept, served, marks = (_get(redis, key, ids) for key in ("prediction:{}", "prediction:{}:served", "outcome:{}"))
    return [
        {**json.loads(text), "served": json.loads(made_of or "{}"), "label": label_of(mark)}
        for text, made_of, mark in zip(kept, served, marks, strict=True)
        if text is not None
    ]


def _get(redis: Redis, key: str, ids: Sequence[str]) -> list[str | None]:
    found: list[str | None] = redis.mget([key.format(each) for each in ids])  # type: ignore[assignment]
    return found


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
