"""The text head: ridge regression on the embedding and on its projections on pairs of opposite sentences.

A head on embeddings alone learns phrases by heart. The direction from a sentence about a ruin to one about a palace
holds for words never seen, so projections on such anchor pairs carry what is learned over to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import Ridge

from marketplace.training.worlds import Texts, embed
from services.nlp_model.model import Encoder, text_features

ANCHOR_PAIRS = (
    (
        "A beautiful, immaculate, luxurious home in perfect condition.",
        "A derelict, ruined, damaged house in terrible condition.",
    ),
    ("Brand new and of the finest quality.", "Broken, rotten and falling apart."),
    ("Everything is wonderful and well kept.", "Everything is neglected and needs repair."),
    ("A stunning, elegant and exquisite property.", "A dirty, mouldy and unusable property."),
    ("Recently renovated, clean and bright.", "Old, worn, stained and dark."),
    ("Superb materials by master craftsmen.", "Collapsed and dangerous, unfit to live in."),
)


@dataclass(frozen=True)
class TextRecipe:
    """How one version is made: its number of anchor pairs and of texts, and the weight of the ridge penalty."""

    version: str
    anchors: int
    texts: int
    alpha: float
    reason: str


TEXT_RECIPES = (
    TextRecipe("v1", anchors=1, texts=800, alpha=40.0, reason="first version: one anchor pair, 800 texts"),
    TextRecipe("v2", anchors=6, texts=4_000, alpha=20.0, reason="six anchor pairs and five times the texts"),
)


def anchor_directions(encoder: Encoder) -> np.ndarray:
    """Unit vectors from the poor sentence of each pair to the rich one, shape (pairs, 384)."""
    vectors = embed((sentence for pair in ANCHOR_PAIRS for sentence in pair), encoder)
    directions = vectors[0::2] - vectors[1::2]
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def fit_text(recipe: TextRecipe, texts: Texts, directions: np.ndarray) -> dict[str, np.ndarray]:
    """The head's tensors: ``anchors`` (k, 384), ``weights`` (384 + k,), ``bias`` (1,)."""
    anchors = directions[: recipe.anchors].astype(np.float32)
    columns = text_features(texts.embeddings[: recipe.texts], anchors)
    ridge = Ridge(alpha=recipe.alpha).fit(columns, texts.appeal[: recipe.texts])
    return {
        "anchors": anchors,
        "weights": ridge.coef_.astype(np.float32),
        "bias": np.array([ridge.intercept_], dtype=np.float32),
    }
