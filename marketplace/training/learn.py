"""All models from the worlds, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marketplace.training.artifacts import write_head, write_json, write_tensors
from marketplace.training.fusion import Row, Seen, listing_rows, look_at, pairs_of, user_rows
from marketplace.training.heads import Head, fit_conversion, fit_price
from marketplace.training.photo import ALL_TAPS, PHOTO_RECIPES, fit_photo
from marketplace.training.text import TEXT_RECIPES, anchor_directions, fit_text
from marketplace.training.worlds import (
    FUSION_SEEDS,
    PHOTO_SEEDS,
    SEEN_VARIANTS,
    TEXT_SEED,
    Advance,
    Photos,
    join,
    photos_of,
    pick,
    texts_of,
)
from marketplace.world import SCENES, SEGMENTS, World
from services.cv_model.model import Backbone, PhotoModel
from services.nlp_model.model import Encoder, TextModel

SHARES = {name: segment.share for name, segment in SEGMENTS.items()}
PAIRS = 60_000  # for each training world
TEXT_REPEATS = 2

Stage = Callable[[str, int], Advance]
"""Opens a stage of so many items and gives what is to be called after each."""


@dataclass
class Workshop:
    """The two pretrained networks, and where artifacts go."""

    models: Path
    encoder: Encoder
    backbone: Backbone
    stage: Stage

    def text_model(self, version: str) -> TextModel:
        """One version of the text model, loaded from the artifacts."""
        model = TextModel(self.models / "nlp_model" / version, version, self.encoder)
        model.load()
        return model

    def photo_model(self, version: str) -> PhotoModel:
        """One version of the photo model, loaded from the artifacts."""
        model = PhotoModel(self.models / "cv_model" / version, version, self.backbone)
        model.load()
        return model

    @property
    def reader(self) -> PhotoModel:
        """A photo model without a head, for its preprocessing."""
        return PhotoModel(self.models, "none", self.backbone)


def learn_texts(shop: Workshop) -> None:
    """Both versions of the text head."""
    world = World(TEXT_SEED)
    advance = shop.stage("texts", TEXT_REPEATS * len(world.listings))
    texts = texts_of(world, SEEN_VARIANTS, TEXT_REPEATS, shop.encoder, advance)
    directions = anchor_directions(shop.encoder)
    for recipe in TEXT_RECIPES:
        write_tensors(shop.models / "nlp_model" / recipe.version, fit_text(recipe, texts, directions))


def learn_photos(shop: Workshop) -> None:
    """Both versions of the photo heads."""
    worlds = [World(seed) for seed in PHOTO_SEEDS]
    advance = shop.stage("photos", sum(len(world.listings) for world in worlds))
    photos = join([photos_of(world, world.listings, ALL_TAPS, shop.reader, advance) for world in worlds])
    for recipe in PHOTO_RECIPES:
        folder = shop.models / "cv_model" / recipe.version
        own = Photos(pick(photos.features, ALL_TAPS, recipe.taps), photos.quality, photos.condition, photos.scene)
        write_tensors(folder, fit_photo(recipe, own))
        write_json(folder / "head.json", {"taps": list(recipe.taps), "scenes": list(SCENES)})


def look_at_fusion_worlds(shop: Workshop) -> list[Seen]:
    """The listings that the price and conversion models learn from, embedded and seen."""
    worlds = [World(seed) for seed in FUSION_SEEDS]
    advance = shop.stage("listings", 2 * sum(len(world.listings) for world in worlds))
    return [look_at(w, len(w.listings), shop.encoder, shop.reader, ALL_TAPS, advance) for w in worlds]


def version_mixes(shop: Workshop, seen: Seen) -> list[list[Row]]:
    """A world's listing rows, once for each pair of text and photo version."""
    mixes = []
    for text in TEXT_RECIPES:
        for photo in PHOTO_RECIPES:
            features = pick(seen.photos.features, ALL_TAPS, photo.taps)
            mixes.append(
                listing_rows(seen, shop.text_model(text.version), shop.photo_model(photo.version), features)
            )
    return mixes


def learn_heads(shop: Workshop, worlds: list[Seen]) -> None:
    """Price and conversion, each on scores of all versions in turn, so that neither depends on one of them."""
    mixes = [version_mixes(shop, seen) for seen in worlds]
    write_head(shop.models / "price_model" / "v1", _price(worlds, mixes))
    write_head(shop.models / "conversion_model" / "v1", _conversion(worlds, mixes))


def _price(worlds: list[Seen], mixes: list[list[list[Row]]]) -> Head:
    rows, prices = [], []
    for seen, versions in zip(worlds, mixes, strict=True):
        for number, listing in enumerate(seen.world.listings):
            rows.append(versions[number % len(versions)][number])
            prices.append(listing.true_price)
    return fit_price(rows, np.array(prices), seed=FUSION_SEEDS[0])


def _conversion(worlds: list[Seen], mixes: list[list[list[Row]]]) -> Head:
    pairs = []
    for seen, versions in zip(worlds, mixes, strict=True):
        rng = np.random.default_rng((seen.world.seed, 77))
        pairs.append(pairs_of(seen.world, versions, user_rows(seen.world, rng), PAIRS, rng))
    return fit_conversion(pairs[0], pairs[1], SHARES)
