"""What the orchestrator is asked and answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Part = Literal["features", "text", "photo"]


class Ask(BaseModel):
    """One prediction; ``photo`` holds a JPEG's or PNG's bytes. Travels as MessagePack, so that bytes stay bytes."""

    user_id: str
    listing_id: str
    description: str
    photo: bytes
    photo_type: str


class Price(BaseModel):
    """Dollars; the true price lies between ``low`` and ``high`` with the probability that the model card states."""

    value: float
    low: float
    high: float


class Conversion(BaseModel):
    """Probability that the user converts; ``likely`` says whether it passes the serving threshold."""

    probability: float
    likely: bool


class PhotoScores(BaseModel):
    """From 0 to 1, and what the photo shows."""

    score: float
    quality: float
    condition: float
    scene: str


class Answer(BaseModel):
    """A prediction. ``degraded`` answers went without the ``missing`` parts and used typical values for them."""

    price: Price
    conversion: Conversion
    text_score: float | None
    photo: PhotoScores | None
    model_versions: dict[str, str]
    degraded: bool
    missing: list[Part]
    request_id: str = Field(description="Names this request in every log line.")
    trace_id: str = Field(description="Names this request's trace.")
