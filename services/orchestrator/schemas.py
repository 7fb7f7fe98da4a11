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
    prediction_id: str = Field(description="Names this prediction when its outcome is reported.")
    request_id: str = Field(description="Names this request in every log line.")
    trace_id: str = Field(description="Names this request's trace.")
    photos: list[str] = Field(default=[], description="Renditions of the photo, base64, where the client gets them.")


Result = Literal["joined", "repeated", "unknown", "gone"]


class Outcome(BaseModel):
    """What became of one prediction: ``sale_price`` in dollars, where the listing was sold."""

    prediction_id: str = Field(pattern=r"^[0-9a-f]{20}$")
    converted: bool
    sale_price: float | None = Field(default=None, gt=0, lt=1e9)


class Outcomes(BaseModel):
    """Up to 100 outcomes in one request."""

    outcomes: list[Outcome] = Field(min_length=1, max_length=100)


class OutcomesAnswer(BaseModel):
    """By prediction id: joined (counted), repeated (counted before), unknown, or gone (too old to be kept)."""

    results: dict[str, Result]
