"""Listings by a hedonic price model: the logarithm of the price is a sum of what a house has and where it stands.

The marginal quantiles (price, living area, lot, age, grade) are calibrated to those of the Ames, Iowa housing table
(De Cock, 2011); no row of it is used or shipped. Places are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

SCENES: tuple[str, ...] = ("facade", "kitchen", "bathroom", "bedroom", "empty_lot")
SCENE_SHARES = (0.36, 0.22, 0.16, 0.18, 0.08)
MAX_AGE_YEARS = 110.0
PRICE_NOISE = 0.105  # deviation of the log price that nothing observed explains
LOG_PRICE_BASE = 11.982


@dataclass(frozen=True)
class Place:
    """A neighbourhood: its premium on the log price, share of listings, and distance to the centre in km."""

    premium: float
    share: float
    distance_km: float


PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "alder_bank": Place(0.02, 0.11, 4.0),
        "bell_quay": Place(0.19, 0.06, 1.2),
        "copper_hill": Place(-0.12, 0.10, 6.5),
        "dyers_green": Place(-0.05, 0.12, 3.1),
        "east_mill": Place(-0.22, 0.09, 5.4),
        "fenmoor": Place(-0.15, 0.07, 11.0),
        "glass_row": Place(0.10, 0.06, 0.8),
        "harbour_side": Place(0.26, 0.05, 2.0),
        "iron_bridge": Place(-0.08, 0.10, 4.6),
        "juniper_park": Place(0.16, 0.08, 7.2),
        "kings_ferry": Place(0.05, 0.09, 8.8),
        "larch_end": Place(-0.03, 0.07, 12.5),
    }
)


@dataclass(frozen=True)
class Listing:
    """One house. Areas in square metres, ages in years, prices in dollars, truths from 0 to 1.

    The last six fields are the world's truth, which no service is told: ``condition`` of the house, ``appeal`` of what
    its description says, ``photo_quality`` and ``scene`` of its photo, ``true_price`` and its number for seeding.
    """

    id: str
    place: str
    area_m2: float
    lot_m2: float
    basement_m2: float
    rooms: int
    bathrooms: int
    garage_cars: int
    age_years: float
    renovated_years: float
    build_grade: int
    distance_km: float
    list_price: float
    condition: float
    appeal: float
    photo_quality: float
    scene: str
    true_price: float
    number: int


LISTING_FEATURES: tuple[str, ...] = (
    "area_m2",
    "lot_m2",
    "basement_m2",
    "rooms",
    "bathrooms",
    "garage_cars",
    "age_years",
    "renovated_years",
    "build_grade",
    "distance_km",
    "list_price",
)
AREA_FEATURES = frozenset({"area_m2", "lot_m2", "basement_m2"})


def log_price(columns: Mapping[str, np.ndarray], premium: np.ndarray) -> np.ndarray:
    """The hedonic model without its noise: log dollars, shape (n,), from columns named as in `Listing`."""
    grade = columns["build_grade"] - 6.0
    return (
        LOG_PRICE_BASE
        + premium
        + 0.50 * np.log(columns["area_m2"] / 134.0)
        + 0.09 * np.log(columns["lot_m2"] / 877.0)
        + 0.0011 * (columns["basement_m2"] - 95.0)
        + 0.125 * grade
        + 0.036 * grade**2
        + 0.05 * (columns["garage_cars"] - 1.8)
        + 0.05 * (columns["bathrooms"] - 1.9)
        - 0.0026 * (columns["age_years"] - 37.0)
        - 0.0015 * (columns["renovated_years"] - 20.0)
        + 0.32 * (columns["condition"] - 0.55)
        + 0.12 * (columns["appeal"] - 0.55)
    )


def draw_listings(rng: np.random.Generator, count: int) -> tuple[Listing, ...]:
    """``count`` listings in order of id; the same generator state gives the same listings."""
    names = tuple(PLACES)
    shares = np.array([place.share for place in PLACES.values()])
    place_index = rng.choice(len(names), size=count, p=shares / shares.sum())
    premium = np.array([place.premium for place in PLACES.values()])[place_index]
    columns = _draw_house(rng, count) | _draw_truth(rng, count)
    columns["condition"] = _condition(rng, columns)
    columns["appeal"] = np.clip(0.7 * columns["condition"] + 0.3 * columns["style"], 0.0, 1.0)
    centre = np.array([place.distance_km for place in PLACES.values()])[place_index]
    columns["distance_km"] = np.round(centre * np.exp(rng.normal(0.0, 0.15, count)), 2)
    true_price = np.exp(log_price(columns, premium) + rng.normal(0.0, PRICE_NOISE, count))
    asking = true_price * np.exp(rng.normal(0.02, 0.08, count))
    scenes = rng.choice(len(SCENES), size=count, p=np.array(SCENE_SHARES))
    return tuple(
        Listing(
            id=f"L{row + 1:06d}",
            place=names[place_index[row]],
            area_m2=float(columns["area_m2"][row]),
            lot_m2=float(columns["lot_m2"][row]),
            basement_m2=float(columns["basement_m2"][row]),
            rooms=int(columns["rooms"][row]),
            bathrooms=int(columns["bathrooms"][row]),
            garage_cars=int(columns["garage_cars"][row]),
            age_years=float(columns["age_years"][row]),
            renovated_years=float(columns["renovated_years"][row]),
            build_grade=int(columns["build_grade"][row]),
            distance_km=float(columns["distance_km"][row]),
            list_price=float(np.round(asking[row], -2)),
            condition=float(columns["condition"][row]),
            appeal=float(columns["appeal"][row]),
            photo_quality=float(columns["photo_quality"][row]),
            scene=SCENES[scenes[row]],
            true_price=float(np.round(true_price[row], 2)),
            number=row + 1,
        )
        for row in range(count)
    )


def _draw_house(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """What a surveyor writes down, with the correlations that size, age and grade have."""
    standing = rng.normal(0.0, 1.0, count)  # shared by size, grade, garage: large new houses are better built
    age = np.round(MAX_AGE_YEARS * rng.beta(1.25, 2.3, count), 0)
    area = np.round(134.0 * np.exp(0.18 * standing + rng.normal(0.0, 0.26, count)), 1)
    grade = 6.05 + 0.75 * standing - 0.018 * (age - 38.0) + rng.normal(0.0, 0.8, count)
    return {
        "area_m2": np.clip(area, 38.0, 420.0),
        "lot_m2": np.clip(np.round(877.0 * np.exp(0.1 * standing + rng.normal(0.0, 0.4, count)), 0), 120.0, 6000.0),
        "basement_m2": np.round(np.clip(rng.normal(97.0, 40.0, count), 0.0, None) * (area / 134.0) ** 0.5, 0),
        "rooms": np.clip(np.round(area / 23.0 + rng.normal(0.0, 0.8, count)), 2, 12),
        "bathrooms": np.clip(np.round(1.0 + area / 170.0 + rng.normal(0.0, 0.45, count)), 1, 5),
        "garage_cars": np.clip(np.round(1.75 + 0.45 * standing + rng.normal(0.0, 0.55, count)), 0, 4),
        "age_years": age,
        "renovated_years": np.round(age * rng.beta(1.6, 1.4, count), 0),
        "build_grade": np.clip(np.round(grade), 1, 10),
    }


def _draw_truth(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """What nobody writes down: the style of a house and the quality of its photo, each from 0 to 1."""
    return {"style": rng.beta(1.6, 1.4, count), "photo_quality": rng.beta(1.8, 1.3, count)}


def _condition(rng: np.random.Generator, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The condition of each house from 0 to 1: falls with the years since it was built and last renovated."""
    worn = 0.0035 * (columns["renovated_years"] - 20.0) + 0.001 * (columns["age_years"] - 37.0)
    return np.clip(rng.beta(1.7, 1.4, len(worn)) - worn, 0.02, 0.98)
