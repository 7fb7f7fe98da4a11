"""All models from the worlds, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marketplace.training.artifacts import write_head, write_json, write_tensors
from marketplace.training.fusion import Pairs, Row, Seen, listing_rows, look_at, pairs_of, user_rows
from marketplace.training.heads import fit_conversion, fit_price
from marketplace.training.photo import PHOTO_RECIPES, fit_photo
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
from services.cv_model.model import TAPS, Backbone, PhotoModel
from services.nlp_model.model import Encoder, TextModel

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
    photos = join([photos_of(world, world.listings, TAPS, shop.reader, advance) for world in worlds])
    for recipe in PHOTO_RECIPES:
        folder = shop.models / "cv_model" / recipe.version
        own = Photos(pick(photos.features, TAPS, recipe.taps), photos.quality, photos.condition, photos.scene)
        write_tensors(folder, fit_photo(recipe, own))
        write_json(folder / "head.json", {"taps": list(recipe.taps), "scenes": list(SCENES)})


def look_at_fusion_worlds(shop: Workshop) -> list[Seen]:
    """The listings that the price and conversion models learn from, embedded and seen."""
    worlds = [World(seed) for seed in FUSION_SEEDS]
    advance = shop.stage("listings", 2 * sum(len(world.listings) for world in worlds))
    return [look_at(w, len(w.listings), shop.encoder, shop.reader, TAPS, advance) for w in worlds]


def version_mixes(shop: Workshop, seen: Seen) -> list[list[Row]]:
    """A world's listing rows, once for each pair of text and photo version."""
    mixes = []
    for text in TEXT_RECIPES:
        for photo in PHOTO_RECIPES:
            features = pick(seen.photos.features, TAPS, photo.taps)
            mixes.append(listing_rows(seen, shop.text_model(text.version), shop.photo_model(photo.version), features))
    return mixes


def learn_price(shop: Workshop, worlds: list[Seen]) -> None:
    """Price on scores of all versions in turn, so that it depends on none of them."""
    rows, prices = [], []
    for seen in worlds:
        versions = version_mixes(shop, seen)
        for number, listing in enumerate(seen.world.listings):
            rows.append(versions[number % len(versions)][number])
            prices.append(listing.true_price)
    write_head(shop.models / "price_model" / "v1", fit_price(rows, np.array(prices), seed=FUSION_SEEDS[0]))


def learn_conversion(shop: Workshop, worlds: list[Seen], served: Seen) -> None:
    """Conversion on other worlds; its threshold on half of the served world's users, who are measured on no more."""
    pairs = [_pairs(shop, seen, PAIRS, None) for seen in worlds]
    train = Pairs(
        [row for part in pairs for row in part.rows],
        np.concatenate([part.chance for part in pairs]),
        np.concatenate([part.converted for part in pairs]),
        np.concatenate([part.segment for part in pairs]),
    )
    validation = _pairs(shop, served, PAIRS, validation_users(served.world))
    shares = {name: segment.share for name, segment in SEGMENTS.items()}
    write_head(shop.models / "conversion_model" / "v1", fit_conversion(train, validation, shares))


def validation_users(world: World) -> list[int]:
    """Row numbers of the users on whom the threshold is chosen: every second one."""
    return list(range(0, len(world.users), 2))


def test_users(world: World) -> list[int]:
    """Row numbers of the users on whom it is measured: the others."""
    return list(range(1, len(world.users), 2))


def _pairs(shop: Workshop, seen: Seen, count: int, among: list[int] | None) -> Pairs:
    rng = np.random.default_rng((seen.world.seed, 77))
    return pairs_of(seen.world, version_mixes(shop, seen), user_rows(seen.world, rng), count, rng, among)
