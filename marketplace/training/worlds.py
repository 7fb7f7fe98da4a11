"""Which worlds the models learn from, and what the served preprocessing and encoders make of them.

Every model is trained on other seeds of the same law than the one that is served, so every listing, user and photo of
the served world is unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from marketplace.world import SCENES, Listing, World
from marketplace.world.descriptions import ALL_VARIANTS, describe
from marketplace.world.phrases import HELD_OUT_VARIANT
from services.cv_model.model import PhotoModel, decode_photo
from services.nlp_model.model import MAX_TOKENS, Encoder, load_tokenizer, tokenize

TEXT_SEED, PHOTO_SEEDS, FUSION_SEEDS = 1_001, (2_001, 2_002), (3_001, 3_002)
SEEN_VARIANTS = tuple(variant for variant in ALL_VARIANTS if variant != HELD_OUT_VARIANT)
UNSEEN_VARIANTS = (HELD_OUT_VARIANT,)
BATCH = 16

Advance = Callable[[], None]
"""Called once for each item done, so that whoever shows progress can."""


def no_progress() -> None:
    """Shows nothing."""


@dataclass(frozen=True)
class Texts:
    """Descriptions as the encoder sees them: embeddings (n, 384), and the appeal each was written for, (n,)."""

    embeddings: np.ndarray
    appeal: np.ndarray


@dataclass(frozen=True)
class Photos:
    """Photos as the backbone sees them: features (n, f), and the truth: quality (n,), condition (n,), scene (n,)."""

    features: np.ndarray
    quality: np.ndarray
    condition: np.ndarray
    scene: np.ndarray


def texts_of(world: World, variants: Sequence[int], repeats: int, encoder: Encoder, advance: Advance) -> Texts:
    """``repeats`` descriptions of each listing of a world, of the given variants of the phrases, embedded."""
    told = [(listing, again) for again in range(repeats) for listing in world.listings]
    written = (_write(world.seed, listing, again, variants) for listing, again in told)
    return Texts(embed(written, encoder, advance), np.array([listing.appeal for listing, _ in told]))


def _write(seed: int, listing: Listing, again: int, variants: Sequence[int]) -> str:
    return describe(listing, np.random.default_rng((seed, 90 + again, listing.number)), variants)


def embed(texts: Iterable[str], encoder: Encoder, advance: Advance = no_progress) -> np.ndarray:
    """Embeddings of the texts, one at a time, as they are mostly served: int8 scales are chosen by batch."""
    rows, tokenizer = [], load_tokenizer(encoder.directory)
    for text in texts:
        ids = tokenize(tokenizer, text, MAX_TOKENS).ids
        rows.append(encoder.encode([ids], len(ids), "mean"))
        advance()
    return np.concatenate(rows)


def photos_of(
    world: World, listings: Sequence[Listing], taps: Sequence[int], model: PhotoModel, advance: Advance
) -> Photos:
    """Photos of the listings: rendered, encoded as JPEG, and read back as the service reads them."""
    features = see((world.photo(listing.id) for listing in listings), taps, model, advance)
    return Photos(
        features,
        np.array([listing.photo_quality for listing in listings]),
        np.array([listing.condition for listing in listings]),
        np.array([SCENES.index(listing.scene) for listing in listings]),
    )


def see(photos: Iterable[bytes], taps: Sequence[int], model: PhotoModel, advance: Advance = no_progress) -> np.ndarray:
    """The backbone's features of JPEG bytes, shape (n, f), in small batches."""
    rows, batch = [], []
    for data in photos:
        batch.append(model.preprocess(decode_photo(data)))
        advance()
        if len(batch) == BATCH:
            rows.append(model.backbone.extract(np.stack(batch), taps))
            batch = []
    if batch:
        rows.append(model.backbone.extract(np.stack(batch), taps))
    return np.concatenate(rows)


BLOCK_CHANNELS = (16, 24, 24, 40, 40, 80, 80, 80, 112, 112, 112, 192, 192, 192, 192, 320)  # of EfficientNet-Lite0
LAST_CHANNELS = 1280


def pick(features: np.ndarray, have: Sequence[int], want: Sequence[int]) -> np.ndarray:
    """The columns that ``extract`` gives for the taps ``want``, out of those it gave for ``have``."""
    parts, start = [features[:, :LAST_CHANNELS]], LAST_CHANNELS
    for tap in sorted(have):
        end = start + 2 * BLOCK_CHANNELS[tap]
        if tap in want:
            parts.append(features[:, start:end])
        start = end
    return np.concatenate(parts, axis=1)


def join(parts: Sequence[Photos]) -> Photos:
    """Photos of several worlds as one set."""
    return Photos(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.quality for part in parts]),
        np.concatenate([part.condition for part in parts]),
        np.concatenate([part.scene for part in parts]),
    )
