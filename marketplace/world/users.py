"""Users in bounded segments, their behaviour at rest, and their sessions over the hours of a week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np

from marketplace.world.shifts import Shifts

DURATION_DEVIATION = 0.55  # of log session_duration between users of a segment
ITEMS_DEVIATION = 0.50  # of log items_viewed between users of a segment
SESSION_NOISE = 0.22  # of the logarithms, from one session of a user to the next
HOUR_RATES = (
    *(0.25, 0.15, 0.10, 0.10, 0.12, 0.25),
    *(0.50, 0.80, 0.95, 1.00, 1.00, 1.05),
    *(1.25, 1.15, 1.00, 1.00, 1.05, 1.20),
    *(1.45, 1.75, 1.95, 1.85, 1.35, 0.70),
)
WEEKDAY_RATES = (0.95, 0.92, 0.92, 0.95, 0.98, 1.08, 1.20)


@dataclass(frozen=True)
class Segment:
    """A kind of buyer: share of users, typical budget in dollars, and how they browse at rest."""

    share: float
    budget: float
    session_duration: float
    items_viewed: float
    saved: float


SEGMENTS: Mapping[str, Segment] = MappingProxyType(
    {
        "first_home": Segment(0.34, 165_000.0, 330.0, 9.0, 1.6),
        "family": Segment(0.30, 215_000.0, 290.0, 8.0, 1.5),
        "investor": Segment(0.16, 185_000.0, 260.0, 11.0, 1.2),
        "downsizer": Segment(0.20, 180_000.0, 370.0, 7.0, 1.3),
    }
)
USER_FEATURES: tuple[str, ...] = (
    "session_duration",
    "items_viewed",
    "saved",
    "visits_per_week",
    "account_days",
    "budget",
)
EVENT_FEATURES: tuple[str, ...] = ("session_duration", "items_viewed", "saved")
EVENT_WEIGHT = 0.2
"""Weight of one session in a user's running aggregate: new = (1 - weight) * old + weight * session."""


@dataclass(frozen=True)
class User:
    """One user: segment and behaviour at rest. Durations in seconds, budget in dollars, ``keenness`` in deviations.

    ``keenness`` is the truth behind the behaviour, which no service is told.
    """

    id: str
    segment: str
    session_duration: float
    items_viewed: float
    saved: float
    visits_per_week: float
    account_days: float
    budget: float
    keenness: float
    number: int


@dataclass(frozen=True)
class Session:
    """One visit as an event reports it: start on the marketplace's clock, seconds, and counts."""

    user_id: str
    at: datetime
    session_duration: float
    items_viewed: float
    saved: float


def draw_users(rng: np.random.Generator, count: int) -> tuple[User, ...]:
    """``count`` users in order of id; the same generator state gives the same users."""
    names = tuple(SEGMENTS)
    kinds = tuple(SEGMENTS.values())
    index = rng.choice(len(names), size=count, p=[kind.share for kind in kinds])
    keen = rng.normal(0.0, 1.0, count)
    duration = _typical(kinds, index, "session_duration") * np.exp(_spread(rng, keen, DURATION_DEVIATION))
    items = _typical(kinds, index, "items_viewed") * np.exp(_spread(rng, keen, ITEMS_DEVIATION))
    saved = _typical(kinds, index, "saved") * np.exp(_spread(rng, keen, 0.6))
    visits = 2.5 * np.exp(0.25 * keen + rng.normal(0.0, 0.4, count))
    days = rng.gamma(1.4, 150.0, count)
    budget = _typical(kinds, index, "budget") * np.exp(rng.normal(0.0, 0.38, count))
    return tuple(
        User(
            id=f"U{row + 1:06d}",
            segment=names[index[row]],
            session_duration=round(float(duration[row]), 1),
            items_viewed=round(float(items[row]), 2),
            saved=round(float(saved[row]), 3),
            visits_per_week=round(float(visits[row]), 2),
            account_days=round(float(days[row])),
            budget=round(float(budget[row]), -2),
            keenness=float(keen[row]),
            number=row + 1,
        )
        for row in range(count)
    )


def _typical(kinds: tuple[Segment, ...], index: np.ndarray, name: str) -> np.ndarray:
    return np.array([getattr(kind, name) for kind in kinds])[index]


def _spread(rng: np.random.Generator, keen: np.ndarray, deviation: float) -> np.ndarray:
    """Log deviations of which keenness explains 80 percent of the variance."""
    own = rng.normal(0.0, 1.0, len(keen))
    return deviation * (np.sqrt(0.8) * keen + np.sqrt(0.2) * own)


def draw_session(user: User, rng: np.random.Generator, at: datetime, shifts: Shifts) -> Session:
    """One session of a user, around their behaviour at rest; evenings are a little longer."""
    noise = rng.normal(0.0, SESSION_NOISE, 2)
    evening = 0.03 if at.hour >= 18 else -0.01
    duration = user.session_duration * np.exp(noise[0] + evening + shifts.session_duration * DURATION_DEVIATION)
    items = user.items_viewed * np.exp(noise[1] + shifts.items_viewed * ITEMS_DEVIATION)
    return Session(
        user_id=user.id,
        at=at,
        session_duration=round(float(duration), 1),
        items_viewed=float(max(1, round(items))),
        saved=float(rng.poisson(user.saved)),
    )


def intensity(at: datetime) -> float:
    """Arrival rate at this hour and weekday, relative to a week's mean of 1."""
    weekly = np.mean(HOUR_RATES) * np.mean(WEEKDAY_RATES)
    return float(HOUR_RATES[at.hour] * WEEKDAY_RATES[at.weekday()] / weekly)
