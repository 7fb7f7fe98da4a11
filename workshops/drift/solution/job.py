"""Makes features of a batch of raw rows: python job.py BATCH.csv FEATURES.csv --metrics FILE

It runs every quarter of an hour, and writes to FILE how far the batch has drifted from the reference.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import drift

REFERENCE = Path(__file__).with_name("reference.csv")
THIS_YEAR = 2026
FEATURES = ("session_minutes", "items_per_minute", "price_per_m2", "age")
Row = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batch", type=Path, help="raw rows")
    parser.add_argument("features", type=Path, help="where the features go")
    parser.add_argument("--metrics", type=Path, help="where node_exporter's textfile collector looks")
    given = parser.parse_args()
    rows = list(features_of(given.batch))
    write(given.features, rows)
    if given.metrics:
        batch = {name: [row[name] for row in rows] for name in FEATURES}
        drift.publish(given.metrics, drift.page(drift.read_columns(REFERENCE), batch, len(rows)))
    print(f"{len(rows)} rows")


def features_of(path: Path) -> Iterator[Row]:
    """Rows that lack a value are left out."""
    with path.open(newline="") as file:
        for raw in csv.DictReader(file):
            if all(raw.values()):
                yield features(raw)


def features(raw: dict[str, str]) -> Row:
    minutes = float(raw["session_seconds"]) / 60
    return {
        "session_minutes": minutes,
        "items_per_minute": float(raw["items_viewed"]) / minutes,
        "price_per_m2": float(raw["price"]) / float(raw["area"]),
        "age": THIS_YEAR - float(raw["built"]),
    }


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FEATURES)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
