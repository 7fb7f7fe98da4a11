"""The checker's own PSI and KS, of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
HALF = 0.5
DECILES = np.arange(1, 10) / 10


def psi(reference: Values, batch: Values) -> float:
    """Sum over the reference's deciles of (a - e) ln(a / e), half a row added to each bin (as docs/slo.md has it)."""
    edges = np.quantile(reference, DECILES)
    actual, expected = _shares(batch, edges), _shares(reference, edges)
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def ks(reference: Values, batch: Values) -> float:
    """Kolmogorov-Smirnov distance of two samples: the largest difference of their empirical distributions."""
    at = np.concatenate([reference, batch])
    return float(np.max(np.abs(_below(reference, at) - _below(batch, at))))


def _shares(values: Values, edges: Values) -> Values:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1) + HALF
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def _below(values: Values, at: Values) -> Values:
    return np.asarray(np.searchsorted(np.sort(values), at, side="right") / len(values), dtype=np.float64)
