"""What the price and conversion models learn from: listings with their scores, users with their running aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from marketplace.training.worlds import Advance, Photos, embed, no_progress, photos_of
from marketplace.world import EVENT_FEATURES, EVENT_WEIGHT, World, conversion_probability
from services.cv_model.model import PhotoModel
from services.nlp_model.model import Encoder, TextModel

Row = dict[str, float | str]
SESSIONS_AT_MOST = 8  # how many sessions a user's aggregates may have seen in training
SOME_DAY = datetime(2026, 11, 23, 12)


@dataclass(frozen=True)
class Seen:
    """A world's listings as encoder and backbone see them, in the order of their ids."""

    world: World
    embeddings: np.ndarray
    photos: Photos


@dataclass(frozen=True)
class Pairs:
    """Users shown listings: features as the orchestrator fuses them, and what the truth says of each, shape (n,)."""

    rows: list[Row]
    chance: np.ndarray
    converted: np.ndarray
    segment: np.ndarray


def look_at(
    world: World, count: int, encoder: Encoder, photo_model: PhotoModel, taps: tuple[int, ...], advance: Advance
) -> Seen:
    """Embed and see the first ``count`` listings of a world: the slow part, done once for all versions."""
    chosen = world.listings[:count]
    embeddings = embed((world.description(listing.id) for listing in chosen), encoder, advance)
    return Seen(world, embeddings, photos_of(world, chosen, taps, photo_model, advance))


def listing_rows(seen: Seen, text: TextModel, photo: PhotoModel, features: np.ndarray) -> list[Row]:
    """Each listing's features with the scores of one version of each model; ``features`` are that photo version's."""
    rows = []
    scores = zip(text.score(seen.embeddings), photo.score(features), strict=True)
    for listing, (told, shown) in zip(seen.world.listings, scores, strict=False):
        row = seen.world.listing_features(listing.id)
        place = seen.world.neighbourhood(listing.place)
        row["neighbourhood_price_per_m2"] = place.price_per_m2
        row["neighbourhood_listings"] = float(place.listings)
        row["neighbourhood_spread"] = place.spread
        row["text_score"] = told.score
        row["photo_quality"] = shown.quality
        row["photo_condition"] = shown.condition
        rows.append(row)
    return rows


def user_rows(world: World, rng: np.random.Generator, advance: Advance = no_progress) -> list[Row]:
    """Each user's features after a random number of sessions, aggregated as the feature store does."""
    rows = []
    for user in world.users:
        row = world.user_features(user.id)
        for _ in range(int(rng.integers(SESSIONS_AT_MOST + 1))):
            session = world.session(user.id, rng, SOME_DAY)
            for name in EVENT_FEATURES:
                row[name] = (1.0 - EVENT_WEIGHT) * float(row[name]) + EVENT_WEIGHT * getattr(session, name)
        rows.append(row)
        advance()
    return rows


def pairs_of(
    world: World,
    listings: list[list[Row]],
    users: list[Row],
    count: int,
    rng: np.random.Generator,
    among: Sequence[int] | None = None,
) -> Pairs:
    """``count`` users, of the row numbers ``among`` (all by default), shown listings at random.

    ``listings`` holds one list for each mix of versions, taken in turn.
    """
    who = rng.choice(np.arange(len(users)) if among is None else np.asarray(among), size=count)
    what = rng.integers(len(listings[0]), size=count)
    rows = [users[u] | listings[turn % len(listings)][i] for turn, (u, i) in enumerate(zip(who, what, strict=True))]
    chance = np.array(
        [conversion_probability(world.users[u], world.listings[i]) for u, i in zip(who, what, strict=True)]
    )
    segments = np.array([world.users[u].segment for u in who])
    return Pairs(rows, chance, rng.random(count) < chance, segments)
