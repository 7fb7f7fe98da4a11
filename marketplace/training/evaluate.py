"""What the committed artifacts are worth on the served world, none of whose listings and photos was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from marketplace.training.fusion import Pairs, Row, Seen
from marketplace.training.heads import CONVERSION_FEATURES, PRICE_FEATURES
from services.cv_model.model import PhotoModel
from services.nlp_model.model import TextModel
from services.orchestrator.heads import ConversionModel, PriceModel, conversion_columns, price_columns

Metrics = dict[str, float]
BINS = 10


@dataclass(frozen=True)
class Target:
    """A metric's bounds, both included; None where there is none."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


TARGETS: Mapping[str, Target] = {
    "text_correlation_unseen_phrases": Target(low=0.5),
    "photo_quality_r2": Target(low=0.85),
    "scene_accuracy": Target(low=0.97),
    "price_log_r2": Target(low=0.8),
    "price_interval_coverage": Target(low=0.87, high=0.93),
    "conversion_precision": Target(low=0.96, high=0.97),
    "conversion_positive_share": Target(low=0.25),
    "conversion_calibration_error": Target(high=0.05),
}


def r_squared(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the truth's variance that is explained, shape (n,) both."""
    return float(1.0 - ((truth - predicted) ** 2).mean() / truth.var())


def calibration_error(chance: np.ndarray, happened: np.ndarray) -> float:
    """Expected calibration error over ten equal bins of chance (Naeini et al., 2015)."""
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    gaps = [
        abs(chance[bins == one].mean() - happened[bins == one].mean()) * (bins == one).mean() for one in np.unique(bins)
    ]
    return float(np.sum(gaps))


def text_metrics(model: TextModel, unseen: np.ndarray, seen: Seen) -> Metrics:
    """``unseen`` embeds the same listings described in held-out phrases alone."""
    appeal = np.array([listing.appeal for listing in seen.world.listings[: len(unseen)]])
    return {
        "text_correlation_unseen_phrases": _correlation(appeal, [score.score for score in model.score(unseen)]),
        "text_correlation": _correlation(appeal, [score.score for score in model.score(seen.embeddings)]),
    }


def photo_metrics(model: PhotoModel, seen: Seen, features: np.ndarray) -> Metrics:
    """``features`` are those of this model's own taps."""
    scores = model.score(features)
    truth = [seen.world.listings[row].scene for row in range(len(scores))]
    return {
        "photo_quality_r2": r_squared(seen.photos.quality, np.array([score.quality for score in scores])),
        "photo_condition_r2": r_squared(seen.photos.condition, np.array([score.condition for score in scores])),
        "scene_accuracy": float(np.mean([score.scene == true for score, true in zip(scores, truth, strict=True)])),
    }


def price_metrics(model: PriceModel, seen: Seen, rows: list[Row]) -> Metrics:
    """How near estimates on one mix of versions come to the true prices, and how often the interval holds them."""
    truth = np.array([listing.true_price for listing in seen.world.listings[: len(rows)]])
    estimates = predicted_prices(model, rows)
    reach = np.exp(model.interval_log)
    return {
        "price_log_r2": r_squared(np.log(truth), np.log(estimates)),
        "price_median_error": float(np.median(np.abs(estimates / truth - 1.0))),
        "price_interval_coverage": float(np.mean((truth >= estimates / reach) & (truth <= estimates * reach))),
    }


def predicted_prices(model: PriceModel, rows: list[Row]) -> np.ndarray:
    """Dollars for many rows at once, shape (n,)."""
    columns = [price_columns({name: float(row[name]) for name in PRICE_FEATURES}, PRICE_FEATURES) for row in rows]
    return np.exp(model.estimator.predict(np.array(columns)))


def predicted_chances(model: ConversionModel, rows: list[Row]) -> np.ndarray:
    """Chances for many rows at once, shape (n,)."""
    columns = [
        conversion_columns(
            {name: float(row[name]) for name in CONVERSION_FEATURES}, str(row["segment"]), model.segments
        )
        for row in rows
    ]
    return np.asarray(model.estimator.predict_proba(np.array(columns))[:, 1])


def conversion_metrics(chance: np.ndarray, threshold: float, pairs: Pairs) -> Metrics:
    """Precision and its company at the threshold, and calibration, of chances for the pairs."""
    positive = chance >= threshold
    return {
        "conversion_precision": float(pairs.converted[positive].mean()),
        "conversion_recall": float(positive[pairs.converted].mean()),
        "conversion_positive_share": float(positive.mean()),
        "conversion_base_rate": float(pairs.converted.mean()),
        "conversion_calibration_error": calibration_error(chance, pairs.converted),
    }


def by_segment(chance: np.ndarray, threshold: float, pairs: Pairs) -> dict[str, Metrics]:
    """The same for each segment of users."""
    result = {}
    for segment in sorted(set(pairs.segment)):
        mine = pairs.segment == segment
        part = Pairs([], pairs.chance[mine], pairs.converted[mine], pairs.segment[mine])
        result[str(segment)] = conversion_metrics(chance[mine], threshold, part)
    return result


def misses(metrics: Mapping[str, Any]) -> list[str]:
    """The metrics that have a target and miss it."""
    return [name for name, target in TARGETS.items() if name in metrics and not target.holds(metrics[name])]


def _correlation(truth: np.ndarray, predicted: list[float]) -> float:
    return float(np.corrcoef(truth, predicted)[0, 1])
