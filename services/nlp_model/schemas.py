"""What the text model is asked and answers."""

from __future__ import annotations

from pydantic import BaseModel, Field


class TextAsk(BaseModel):
    """One description, and the version of the model that is to score it."""

    description: str = Field(min_length=1, max_length=10_000)
    version: str = Field(pattern=r"^v[0-9]{1,3}$")


class TextAnswer(BaseModel):
    """``score`` from 0 (plain) to 1 (appealing); ``tokens`` is what the model read of the description."""

    score: float
    tokens: int
    model_version: str
