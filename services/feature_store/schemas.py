"""What the feature store is asked and answers."""

from __future__ import annotations

import time

from pydantic import BaseModel, Field, field_validator
from redis.typing import EncodableT

LISTING_ID = r"^L[0-9]{6}$"
USER_ID = r"^U[0-9]{6}$"


class FeaturesAsk(BaseModel):
    """One listing and one user. They travel in the body, so that no user id stands in a URL."""

    listing_id: str = Field(pattern=LISTING_ID)
    user_id: str = Field(pattern=USER_ID)


class FeaturesAnswer(BaseModel):
    """``values``: number by feature name. ``defaulted``: kinds whose features were absent and are left out.

    ``segment``: the user's, one of a bounded set, or "unknown". ``age_s``: seconds since the user's behaviour was last
    updated, None where there is none.
    """

    values: dict[str, float]
    segment: str
    age_s: float | None = None
    defaulted: list[str] = []


MAX_AGE_S, MAX_AHEAD_S = 30 * 86_400, 300


class SessionEvent(BaseModel):
    """One visit of a user, told when it ended. ``event_id`` is the client's own: sent twice, it is counted once."""

    event_id: str = Field(pattern=r"^[A-Za-z0-9._-]{8,64}$")
    user_id: str = Field(pattern=USER_ID)
    session_duration: float = Field(ge=0, le=86_400, description="Seconds.")
    items_viewed: float = Field(ge=0, le=10_000)
    saved: float = Field(ge=0, le=10_000)
    occurred_at: float = Field(default_factory=time.time, description="Seconds since the epoch; default: now.")

    @field_validator("occurred_at")
    @classmethod
    def _plausible(cls, value: float) -> float:
        now = time.time()
        if not now - MAX_AGE_S <= value <= now + MAX_AHEAD_S:
            raise ValueError("must lie within the last 30 days")
        return value

    def fields(self) -> dict[EncodableT, EncodableT]:
        """As a stream's entry: text by name."""
        return {name: str(value) for name, value in self.model_dump().items()}


class Events(BaseModel):
    """Up to 100 events in one request."""

    events: list[SessionEvent] = Field(min_length=1, max_length=100)


class Accepted(BaseModel):
    """How many were accepted: all of them."""

    accepted: int
