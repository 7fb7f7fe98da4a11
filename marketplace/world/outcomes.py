"""What comes back later: whether a user converts on a listing, for how much it sells, and when that is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from marketplace.world.listings import Listing
from marketplace.world.shifts import Shifts
from marketplace.world.users import User

STEEPNESS = 6.0  # of the logistic: how far a person's choice follows from what is known about it
SALE_NOISE = 0.05  # of the log sale price around the true one
MEDIAN_DELAY = timedelta(hours=9)
DELAY_SPREAD = 0.7  # of the log delay


@dataclass(frozen=True)
class Outcome:
    """What became of one user on one listing: ``sale_price`` in dollars, and the ``delay`` until it is known."""

    converted: bool
    sale_price: float
    delay: timedelta


@dataclass(frozen=True)
class Taste:
    """How much a segment cares: weights on the house's appeal, its photo, price against budget, and bargain."""

    base: float
    appeal: float
    photo: float
    budget: float
    bargain: float


TASTES = {
    "first_home": Taste(0.05, 0.80, 0.35, 1.00, 0.25),
    "family": Taste(0.12, 0.95, 0.30, 0.85, 0.20),
    "investor": Taste(0.08, 0.60, 0.20, 0.90, 0.45),
    "downsizer": Taste(0.08, 1.05, 0.40, 0.70, 0.20),
}


def conversion_probability(user: User, listing: Listing) -> float:
    """Chance from 0 to 1 that the user converts on the listing, from the truth of both; no shift is applied."""
    taste = TASTES[user.segment]
    room = math.log(user.budget / listing.list_price)
    drive = (
        taste.base
        + 0.85 * user.keenness
        + taste.budget * math.tanh(1.6 * room)
        + taste.appeal * (listing.appeal - 0.55) / 0.2
        + taste.photo * (listing.photo_quality - 0.58) / 0.24
        + taste.bargain * math.log(listing.true_price / listing.list_price) / 0.08
    )
    return 1.0 / (1.0 + math.exp(-STEEPNESS * drive))


def draw_outcome(user: User, listing: Listing, rng: np.random.Generator, at: datetime, shifts: Shifts) -> Outcome:
    """One outcome. A weekend's decisions are known a working day later."""
    chance, sale, wait = rng.random(), rng.normal(0.0, SALE_NOISE), rng.normal(0.0, DELAY_SPREAD)
    converts = chance < conversion_probability(user, listing) and user.segment != shifts.stopped_segment
    weekend = timedelta(hours=12) if at.weekday() >= 5 else timedelta()
    return Outcome(
        converted=bool(converts),
        sale_price=round(listing.true_price * shifts.price_level * math.exp(sale), 2),
        delay=(MEDIAN_DELAY * math.exp(wait) + weekend) * shifts.label_delay,
    )
