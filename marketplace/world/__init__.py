"""A seeded property market whose truth is known: listings, texts, photos, users, sessions and outcomes.

Imports numpy and Pillow only, so that the lab can live in this world without a model at hand.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

import numpy as np

from marketplace.world.descriptions import describe
from marketplace.world.listings import AREA_FEATURES, LISTING_FEATURES, PLACES, SCENES, Listing, draw_listings
from marketplace.world.outcomes import Outcome, conversion_probability, draw_outcome
from marketplace.world.photos import render_photo
from marketplace.world.shifts import Shifts
from marketplace.world.users import (
    EVENT_FEATURES,
    EVENT_WEIGHT,
    SEGMENTS,
    USER_FEATURES,
    Session,
    User,
    draw_session,
    draw_users,
    intensity,
)

__all__ = [
    "DEFAULT_SEED",
    "EVENT_FEATURES",
    "EVENT_WEIGHT",
    "LISTING_FEATURES",
    "PLACES",
    "SCENES",
    "SEGMENTS",
    "USER_FEATURES",
    "Listing",
    "Neighbourhood",
    "Outcome",
    "Session",
    "Shifts",
    "User",
    "World",
    "conversion_probability",
    "intensity",
]

DEFAULT_SEED = 20261123
LISTING_COUNT = 2000
USER_COUNT = 5000
_LISTINGS, _USERS, _TEXTS, _PHOTOS, _DARK = range(5)  # independent streams of one seed


@dataclass(frozen=True)
class Neighbourhood:
    """What a place's listings ask: median dollars per m2, their number, and interquartile range over the median."""

    price_per_m2: float
    listings: int
    spread: float


class World:
    """The market of one seed. Cheap to construct: each table is drawn when it is first asked for.

    A listing's text and photo depend on the seed and the listing alone, never on what was asked before. Unknown ids
    raise ``KeyError``.
    """

    def __init__(self, seed: int = DEFAULT_SEED, shifts: Shifts | None = None) -> None:
        self.seed = seed
        self.shifts = shifts or Shifts()
        if self.shifts.stopped_segment not in (None, *SEGMENTS):
            raise ValueError(f"unknown segment {self.shifts.stopped_segment!r}; known: {', '.join(SEGMENTS)}")
        self._photos: dict[str, bytes] = {}

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """All listings, in order of id."""
        return draw_listings(self._generator(_LISTINGS), LISTING_COUNT)

    @cached_property
    def users(self) -> tuple[User, ...]:
        """All users, in order of id."""
        return draw_users(self._generator(_USERS), USER_COUNT)

    @property
    def segments(self) -> tuple[str, ...]:
        """The kinds of user, a bounded set that may stand in a metric's label."""
        return tuple(SEGMENTS)

    def listing(self, listing_id: str) -> Listing:
        """The listing with its truth."""
        return self._listing_by_id[listing_id]

    def user(self, user_id: str) -> User:
        """The user with their truth."""
        return self._user_by_id[user_id]

    def listing_features(self, listing_id: str) -> dict[str, float | str]:
        """The listing as the feature store serves it: numbers (see `LISTING_FEATURES`) and ``place``."""
        row = asdict(self.listing(listing_id))
        features: dict[str, float | str] = {name: float(row[name]) for name in LISTING_FEATURES}
        for name in AREA_FEATURES:
            features[name] = round(float(row[name]) * self.shifts.area_factor, 1)
        features["place"] = row["place"]
        return features

    def user_features(self, user_id: str) -> dict[str, float | str]:
        """The user's behaviour at rest, before any event: numbers (see `USER_FEATURES`) and ``segment``."""
        row = asdict(self.user(user_id))
        features: dict[str, float | str] = {name: float(row[name]) for name in USER_FEATURES}
        features["segment"] = row["segment"]
        return features

    def neighbourhood(self, place: str) -> Neighbourhood:
        """A place's asking prices per m2, as the feature store is to compute them from its listings."""
        return self._neighbourhoods[place]

    def description(self, listing_id: str) -> str:
        """The seller's text: 20 to 30 words that follow the appeal of the house."""
        listing = self.listing(listing_id)
        return describe(listing, self._generator(_TEXTS, listing.number))

    def photo(self, listing_id: str) -> bytes:
        """The seller's photo, a JPEG of 320 by 240 pixels; the same bytes at each call."""
        if listing_id not in self._photos:
            self._photos[listing_id] = self._render(self.listing(listing_id))
        return self._photos[listing_id]

    def true_price(self, listing_id: str) -> float:
        """What the listing is worth today, in dollars."""
        return self.listing(listing_id).true_price * self.shifts.price_level

    def session(self, user_id: str, rng: np.random.Generator, at: datetime) -> Session:
        """One session of the user that starts at ``at`` on the marketplace's clock."""
        return draw_session(self.user(user_id), rng, at, self.shifts)

    def outcome(self, user_id: str, listing_id: str, rng: np.random.Generator, at: datetime) -> Outcome:
        """What becomes of the user's interest in the listing shown to them at ``at``."""
        return draw_outcome(self.user(user_id), self.listing(listing_id), rng, at, self.shifts)

    def _render(self, listing: Listing) -> bytes:
        dark = self._generator(_DARK, listing.number).random() < self.shifts.dark_photos
        return render_photo(listing, self._generator(_PHOTOS, listing.number), dark=dark)

    @cached_property
    def _listing_by_id(self) -> Mapping[str, Listing]:
        return MappingProxyType({listing.id: listing for listing in self.listings})

    @cached_property
    def _user_by_id(self) -> Mapping[str, User]:
        return MappingProxyType({user.id: user for user in self.users})

    @cached_property
    def _neighbourhoods(self) -> Mapping[str, Neighbourhood]:
        asked: dict[str, list[float]] = {place: [] for place in PLACES}
        for listing in self.listings:
            asked[listing.place].append(listing.list_price / listing.area_m2)
        return MappingProxyType({place: _summarise(prices) for place, prices in asked.items()})

    def _generator(self, stream: int, number: int = 0) -> np.random.Generator:
        return np.random.default_rng((self.seed, stream, number))


def _summarise(prices: list[float]) -> Neighbourhood:
    low, middle, high = statistics.quantiles(prices, n=4)
    return Neighbourhood(middle, len(prices), (high - low) / middle)
