"""The price trees and the conversion regression, with interval, threshold and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from marketplace.training.fusion import Pairs, Row
from marketplace.world import LISTING_FEATURES, USER_FEATURES
from services.orchestrator.heads import conversion_columns, price_columns

NEIGHBOURHOOD = ("neighbourhood_price_per_m2", "neighbourhood_listings", "neighbourhood_spread")
SCORES = ("text_score", "photo_quality", "photo_condition")
# The asking price would give the price away; it is what the seller hopes for, not what the house is worth.
PRICE_FEATURES = (*(name for name in LISTING_FEATURES if name != "list_price"), *NEIGHBOURHOOD, *SCORES)
CONVERSION_FEATURES = (*LISTING_FEATURES, *USER_FEATURES, *NEIGHBOURHOOD, *SCORES)
INTERVAL = 0.9
PRECISION = 0.965  # the middle of what is asked at the serving threshold
CALIBRATION_SHARE = 0.25


@dataclass(frozen=True)
class Head:
    """A fitted estimator and what serving must know beside it; the latter becomes ``head.json``."""

    estimator: Any
    facts: dict[str, Any]


def defaults_of(rows: list[Row], names: tuple[str, ...]) -> dict[str, float]:
    """The median of each feature: what a degraded answer is computed from."""
    return {name: round(float(np.median([float(row[name]) for row in rows])), 4) for name in names}


def fit_price(rows: list[Row], prices: np.ndarray, seed: int) -> Head:
    """Trees on log dollars; the interval comes from the residuals of rows that were held out (split conformal)."""
    columns = np.array([price_columns(_numbers(row, PRICE_FEATURES), PRICE_FEATURES) for row in rows])
    order = np.random.default_rng(seed).permutation(len(rows))
    held, used = np.split(order, [int(len(rows) * CALIBRATION_SHARE)])
    trees = GradientBoostingRegressor(
        n_estimators=110, max_depth=3, learning_rate=0.12, subsample=0.6, min_samples_leaf=8, random_state=seed
    )
    trees.fit(columns[used], np.log(prices[used]))
    residuals = np.abs(np.log(prices[held]) - trees.predict(columns[held]))
    level = min(1.0, np.ceil((len(held) + 1) * INTERVAL) / len(held))
    reach = float(np.quantile(residuals, level, method="higher"))
    facts = {
        "features": list(PRICE_FEATURES),
        "defaults": defaults_of(rows, PRICE_FEATURES),
        "interval": INTERVAL,
        "interval_log": round(reach, 5),
    }
    return Head(trees, facts)


def fit_conversion(train: Pairs, hold: Pairs, segments: Mapping[str, float]) -> Head:
    """A logistic regression, and the threshold that gives the precision asked on users it has not seen."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=500))
    pipeline.fit(columns_of(train, segments), train.converted)
    chance = pipeline.predict_proba(columns_of(hold, segments))[:, 1]
    facts = {
        "features": list(CONVERSION_FEATURES),
        "defaults": defaults_of(train.rows, CONVERSION_FEATURES),
        "segments": [list(item) for item in segments.items()],
        "threshold": round(threshold_for(PRECISION, chance, hold.converted), 4),
    }
    return Head(pipeline, facts)


def columns_of(pairs: Pairs, segments: Mapping[str, float]) -> np.ndarray:
    """What the regression sees of the pairs, through the function that serves."""
    rows = (conversion_columns(_numbers(row, CONVERSION_FEATURES), str(row["segment"]), segments) for row in pairs.rows)
    return np.array(list(rows))


def threshold_for(precision: float, chance: np.ndarray, converted: np.ndarray) -> float:
    """The lowest threshold from which on the precision of all that lies above is at least ``precision``.

    Raises ``ValueError`` where no threshold reaches it.
    """
    order = np.argsort(-chance, kind="stable")
    reached = np.cumsum(converted[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(reached >= precision)
    if len(enough) == 0:
        raise ValueError(f"no threshold has a precision of {precision}")
    return float(chance[order[enough[-1]]])


def _numbers(row: Row, names: tuple[str, ...]) -> dict[str, float]:
    return {name: float(row[name]) for name in names}
