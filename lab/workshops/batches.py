"""Batches for the workshop "drift": raw rows as the job reads them, drifted or not, from a seed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROWS = 1_500
SHORT = 120
THIS_YEAR = 2026
MOVED = frozenset({"session_minutes", "items_per_minute"})  # what `drifted` moves
_LONGER = 2.2  # sessions, as a factor: 1.3 deviations of their logarithm

Columns = Mapping[str, NDArray[np.float64]]


def quiet(seed: int, rows: int = ROWS) -> Columns:
    """Raw columns of a batch that is like the reference."""
    draw = np.random.default_rng(seed)
    seconds = draw.lognormal(6.0, 0.6, rows)
    area = draw.normal(120, 30, rows).clip(30)
    return {
        "session_seconds": seconds,
        "items_viewed": np.maximum(1, seconds / 60 * draw.lognormal(0.5, 0.5, rows)).round(2),
        "price": area * draw.normal(1_500, 250, rows).clip(400),
        "area": area,
        "built": THIS_YEAR - draw.integers(0, 110, rows).astype(np.float64),
    }


def drifted(seed: int) -> Columns:
    """Sessions have become longer and nothing else has: what is made of them moves, too."""
    found = dict(quiet(seed))
    found["session_seconds"] = found["session_seconds"] * _LONGER
    return found


def collapsed(seed: int) -> Columns:
    """All houses are of one age that the reference hardly knows: nine bins are empty."""
    return {**quiet(seed), "built": np.full(ROWS, THIS_YEAR - 130.0)}


def features(raw: Columns) -> dict[str, NDArray[np.float64]]:
    """What the job has to make of raw columns."""
    minutes = raw["session_seconds"] / 60
    return {
        "session_minutes": minutes,
        "items_per_minute": raw["items_viewed"] / minutes,
        "price_per_m2": raw["price"] / raw["area"],
        "age": THIS_YEAR - raw["built"],
    }


def write(path: Path, columns: Columns) -> None:
    """Columns as CSV, with all their digits."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))


def read(path: Path) -> dict[str, NDArray[np.float64]]:
    """The columns of a CSV file of numbers. Raises ValueError or OSError where it is none."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    if not rows:
        raise ValueError(f"{path.name} is empty")
    values = np.array([[float(value) for value in row] for row in rows[1:]]).reshape(-1, len(rows[0]))
    return {name: values[:, number] for number, name in enumerate(rows[0])}


def fill(folder: Path) -> None:
    """What the bare start gets besides its code: the reference, and two batches to play with."""
    write(folder / "reference.csv", features(quiet(1, 3_000)))
    (folder / "batches").mkdir(exist_ok=True)
    write(folder / "batches/quiet.csv", quiet(2))
    write(folder / "batches/drifted.csv", drifted(3))
