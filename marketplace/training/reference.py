"""Reference statistics for drift: what each feature and each prediction looked like when the model was released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BINS = 10
Column = Sequence[float] | np.ndarray


def statistics_of(values: Column) -> dict[str, Any]:
    """Mean, deviation, percentiles, share of nulls, and the PSI's bins, of one feature's values.

    ``edges`` are the inner quantile edges, fewer than nine where values repeat; a value v falls into bin
    ``bisect_right(edges, v)``. ``counts`` has one more entry than ``edges``.
    """
    everything = np.asarray(values, dtype=float)
    known = everything[~np.isnan(everything)]
    edges = _edges(known)
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    low, middle, high = np.percentile(known, (5.0, 50.0, 95.0))
    return {
        "mean": _short(known.mean()),
        "deviation": _short(known.std()),
        "p5": _short(low),
        "p50": _short(middle),
        "p95": _short(high),
        "null_share": _short(1.0 - len(known) / len(everything)),
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }


def reference_of(
    features: Mapping[str, Column], predictions: Mapping[str, Column], rows: int, note: str
) -> dict[str, Any]:
    """The content of a model version's ``reference.json``."""
    return {
        "rows": rows,
        "sampled_from": note,
        "features": {name: statistics_of(values) for name, values in features.items()},
        "predictions": {name: statistics_of(values) for name, values in predictions.items()},
    }


def _edges(known: np.ndarray) -> np.ndarray:
    """Up to nine edges between the deciles, rounded so that they read well, without empty bins below the first."""
    quantiles = np.percentile(known, np.linspace(0.0, 100.0, BINS + 1)[1:-1], method="inverted_cdf")
    edges = np.unique([_short(edge) for edge in quantiles])
    return edges[edges > known.min()]


def _short(value: float) -> float:
    """Six significant digits."""
    return float(f"{value:.6g}")
