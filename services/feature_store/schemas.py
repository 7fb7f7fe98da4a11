"""What the feature store is asked and answers."""

from __future__ import annotations

from pydantic import BaseModel, Field

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
