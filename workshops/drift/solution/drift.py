"""How far a batch lies from what the model was trained on."""

from __future__ import annotations

import csv
import math
import os
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp

LEAST_ROWS = 500
HALF = 0.5  # a row, added to each bin
Columns = Mapping[str, Sequence[float]]


def read_columns(path: Path) -> dict[str, list[float]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def psi(reference: Sequence[float], batch: Sequence[float]) -> float:
    """Population stability index over the reference's deciles."""
    edges = np.quantile(reference, np.arange(1, 10) / 10).tolist()
    pairs = zip(_shares(batch, edges), _shares(reference, edges), strict=True)
    return sum((actual - expected) * math.log(actual / expected) for actual, expected in pairs)


def _shares(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = [HALF] * (len(edges) + 1)
    for value in values:
        counts[bisect_right(edges, value)] += 1
    return [count / sum(counts) for count in counts]


def page(reference: Columns, batch: Columns, rows: int) -> str:
    """The scores in Prometheus' text format."""
    lines = [
        "# HELP feature_batch_rows Rows of the last batch.",
        "# TYPE feature_batch_rows gauge",
        f"feature_batch_rows {rows}",
        "# HELP feature_batch_timestamp_seconds When the last batch was made.",
        "# TYPE feature_batch_timestamp_seconds gauge",
        f"feature_batch_timestamp_seconds {time.time()}",
    ]
    if rows < LEAST_ROWS:
        return "\n".join(lines) + "\n"
    scores = {
        "psi": ("Population stability index", psi),
        "ks": ("Kolmogorov-Smirnov distance", lambda before, now: ks_2samp(before, now).statistic),
    }
    for name, (words, score) in scores.items():
        lines += [
            f"# HELP feature_drift_{name} {words} of the last batch to the reference.",
            f"# TYPE feature_drift_{name} gauge",
        ]
        lines += [
            f'feature_drift_{name}{{feature="{key}"}} {score(reference[key], batch[key]):.6f}' for key in reference
        ]
    return "\n".join(lines) + "\n"


def publish(path: Path, text: str) -> None:
    """At once or not at all: the collector never reads half a file."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text)
    os.replace(beside, path)
