"""The two heads that fuse everything known into a price and a chance of conversion: scikit-learn, read by skops."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

from chassis.model import ModelNotLoadedError, ModelOutputError

Features = Mapping[str, float | str]

TRUSTED = ("sklearn.tree._tree.Tree",)
"""The only type beyond skops's own safe ones that an artifact may hold; anything else refuses to load.

A tree's node numbers index memory unchecked, which is why skops does not trust it: `check_trees` checks them.
"""


@dataclass(frozen=True, slots=True)
class PriceEstimate:
    """Dollars: the estimate, and an interval that holds nine in ten true prices."""

    price: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ConversionEstimate:
    """Chance from 0 to 1 that the user converts, and whether it reaches the serving threshold."""

    probability: float
    positive: bool


class _Head:
    """What both heads share: artifacts in ``directory``, named as the version; feature names in order; their defaults.

    Loaded when made, because it takes milliseconds and no service can answer without it.
    """

    name: str

    def __init__(self, directory: Path) -> None:
        self.directory, self.version = directory, directory.name
        self.features: tuple[str, ...] = ()
        self.defaults: dict[str, float] = {}
        self._facts: dict[str, Any] = {}
        self.estimator: Any = None  # scikit-learn's, which has no types
        self.load()

    @property
    def loaded(self) -> bool:
        return self.estimator is not None

    def load(self) -> None:
        """Read estimator and facts. Raises ``FileNotFoundError``, or skops's ``UntrustedTypesFoundException``."""
        self._facts = json.loads((self.directory / "head.json").read_text())
        self.features = tuple(self._facts["features"])
        self.defaults = {name: float(value) for name, value in self._facts["defaults"].items()}
        self.estimator = skops.io.load(self.directory / "head.skops", trusted=list(TRUSTED))
        check_trees(self.estimator)

    def unload(self) -> None:
        self.estimator = None

    def missing(self, features: Features) -> tuple[str, ...]:
        """Names of the features that a prediction on these would take from the defaults."""
        return tuple(name for name in self.features if features.get(name) is None)

    def _numbers(self, features: Features) -> dict[str, float]:
        """Every feature as a number, defaults where one is missing or not finite."""
        if self.estimator is None:
            raise ModelNotLoadedError(f"{self.name} {self.version} is not loaded")
        return {name: _number(features.get(name), self.defaults[name]) for name in self.features}


class PriceModel(_Head):
    """Price by gradient-boosted trees on log dollars, with a split-conformal interval (Lei et al., 2018)."""

    name = "price_model"

    @property
    def interval_log(self) -> float:
        """Half the interval's width in log dollars."""
        return float(self._facts["interval_log"])

    def predict(self, features: Features) -> PriceEstimate:
        """Price from whatever is known. Raises `ModelOutputError` where it is not finite."""
        row = np.array([price_columns(self._numbers(features), self.features)])
        price = float(np.exp(self.estimator.predict(row)[0]))
        if not math.isfinite(price):
            raise ModelOutputError(f"{self.name} {self.version} gave a price that is not finite")
        reach = math.exp(self.interval_log)
        return PriceEstimate(price, price / reach, price * reach)


class ConversionModel(_Head):
    """Conversion by logistic regression on what the user does, can afford, and is shown."""

    name = "conversion_model"

    def load(self) -> None:
        super().load()
        self.segments: dict[str, float] = dict(self._facts["segments"])

    @property
    def threshold(self) -> float:
        """Chance from which on a prediction counts as positive, chosen for a precision of 0.965."""
        return float(self._facts["threshold"])

    def predict(self, features: Features) -> ConversionEstimate:
        """Chance from whatever is known; an unknown segment counts as an average one. May raise `ModelOutputError`."""
        numbers = self._numbers(features)
        row = np.array([conversion_columns(numbers, str(features.get("segment", "")), self.segments)])
        chance = float(self.estimator.predict_proba(row)[0, 1])
        if not math.isfinite(chance):
            raise ModelOutputError(f"{self.name} {self.version} gave a chance that is not finite")
        return ConversionEstimate(chance, chance >= self.threshold)


def check_trees(estimator: Any) -> None:
    """Raises ``ValueError`` where a node of any tree points outside its tree or to a feature that is not there."""
    for tree in list(getattr(estimator, "estimators_", np.empty(0)).ravel()):
        nodes, width = tree.tree_, estimator.n_features_in_
        children = np.stack([nodes.children_left, nodes.children_right])
        inner = nodes.children_left != -1
        if children.max() >= nodes.node_count or (children[:, inner] <= np.flatnonzero(inner)).any():
            raise ValueError("a tree's node points outside the tree")
        if inner.any() and not (nodes.feature[inner].min() >= 0 and nodes.feature[inner].max() < width):
            raise ValueError("a tree's node splits on a feature that is not there")


def _number(value: float | str | None, default: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else default


def price_columns(numbers: Mapping[str, float], names: tuple[str, ...]) -> list[float]:
    """What the price trees see: the features in order."""
    return [numbers[name] for name in names]


def conversion_columns(numbers: Mapping[str, float], segment: str, segments: Mapping[str, float]) -> list[float]:
    """What the logistic regression sees: logarithms of behaviour, price against budget, scores, by segment too.

    ``segments`` gives each segment's share of users, which stands for a segment that is not known.
    """
    room = math.tanh(1.6 * math.log(max(numbers["budget"], 1.0) / max(numbers["list_price"], 1.0)))
    usual = numbers["neighbourhood_price_per_m2"] * max(numbers["area_m2"], 1.0)
    shown = [numbers["text_score"], numbers["photo_condition"], numbers["photo_quality"], room]
    columns = [
        math.log(max(numbers["session_duration"], 1.0)),
        math.log(max(numbers["items_viewed"], 0.5)),
        math.log(max(numbers["saved"], 0.0) + 0.2),
        math.log(max(numbers["visits_per_week"], 0.05)),
        math.log(max(numbers["list_price"], 1.0) / max(usual, 1.0)),
        numbers["build_grade"],
        math.log1p(max(numbers["renovated_years"], 0.0)),
        numbers["age_years"],
        *shown,
    ]
    known = segment in segments
    for name, share in segments.items():
        mine = float(name == segment) if known else share
        columns.extend([mine, *(mine * value for value in shown)])
    return columns
