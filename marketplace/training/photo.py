"""The photo heads: ridge regressions for quality and condition, multinomial logistic regression for the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from marketplace.training.worlds import Photos
from marketplace.world import SCENES
from services.cv_model.model import TAPS

SMALLEST_DEVIATION = 1e-3  # features that hardly vary must not blow up when they do
QUALITY_ALPHA, CONDITION_ALPHA, SCENE_C = 300.0, 1000.0, 0.001


@dataclass(frozen=True)
class PhotoRecipe:
    """How one version is made: the blocks whose statistics it sees, and its number of photos."""

    version: str
    taps: tuple[int, ...]
    photos: int
    reason: str


PHOTO_RECIPES = (
    PhotoRecipe("v1", taps=(4,), photos=1_500, reason="first version: the last layer and block 4, 1 500 photos"),
    PhotoRecipe("v2", taps=TAPS, photos=4_000, reason="statistics of blocks 1 and 8 as well, and 4 000 photos"),
)


def fit_photo(recipe: PhotoRecipe, photos: Photos) -> dict[str, np.ndarray]:
    """The head's tensors for features (n, f): ``mean``, ``inverse_deviation`` (f,), ``weights`` (f, 7), ``bias`` (7,).

    Columns are quality, condition, and one logit for each of the five scenes.
    """
    seen = photos.features[: recipe.photos]
    mean, deviation = seen.mean(0), np.maximum(seen.std(0), SMALLEST_DEVIATION)
    scaled = (seen - mean) / deviation
    quality = Ridge(alpha=QUALITY_ALPHA).fit(scaled, photos.quality[: recipe.photos])
    condition = Ridge(alpha=CONDITION_ALPHA).fit(scaled, photos.condition[: recipe.photos])
    scene = LogisticRegression(C=SCENE_C, max_iter=200).fit(scaled, photos.scene[: recipe.photos])
    if len(scene.classes_) != len(SCENES):
        raise ValueError(f"only {len(scene.classes_)} of {len(SCENES)} scenes in the training photos")
    weights = np.concatenate([quality.coef_[None], condition.coef_[None], scene.coef_]).T
    bias = np.concatenate([[quality.intercept_, condition.intercept_], scene.intercept_])
    return {
        "mean": mean.astype(np.float32),
        "inverse_deviation": (1.0 / deviation).astype(np.float32),
        "weights": np.ascontiguousarray(weights, dtype=np.float32),
        "bias": bias.astype(np.float32),
    }
