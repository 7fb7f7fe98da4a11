"""Descriptions put together from phrases whose tier follows the appeal of the house."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketplace.world.listings import Listing
from marketplace.world.phrases import PHRASES, TIERS, VARIANTS

PHRASES_PER_TEXT = 4
TIER_NOISE = 0.6  # deviation, in tiers, of a phrase's tier around the appeal
OPENERS = (
    "{rooms} room house in {place}:",
    "{place}, {rooms} rooms:",
    "For sale in {place}:",
    "House near {place}:",
)
ALL_VARIANTS: tuple[int, ...] = tuple(range(VARIANTS))


def describe(listing: Listing, rng: np.random.Generator, variants: Sequence[int] = ALL_VARIANTS) -> str:
    """A text of 20 to 30 words on the listing, from the given variants of each phrase (all by default)."""
    parts = rng.choice(len(PHRASES), size=PHRASES_PER_TEXT, replace=False)
    names = tuple(PHRASES)
    phrases = [_phrase(names[part], listing.appeal, rng, variants) for part in parts]
    opener = OPENERS[int(rng.integers(len(OPENERS)))]
    place = listing.place.replace("_", " ").title()
    return f"{opener.format(rooms=listing.rooms, place=place)} {'. '.join(map(_capital, phrases))}."


def _phrase(part: str, appeal: float, rng: np.random.Generator, variants: Sequence[int]) -> str:
    """One phrase on a part of the house, of a tier near the appeal."""
    tier = round(float(appeal * TIERS - 0.5 + rng.normal(0.0, TIER_NOISE)))
    choices = PHRASES[part][min(max(tier, 0), TIERS - 1)]
    return choices[variants[int(rng.integers(len(variants)))]]


def _capital(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:]
