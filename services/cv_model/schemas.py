"""What the photo model answers; it is asked with the photo's bytes and a version."""

from __future__ import annotations

from pydantic import BaseModel


class PhotoAnswer(BaseModel):
    """Scores from 0 to 1; ``scene`` is what the photo shows, with its probability."""

    score: float
    quality: float
    condition: float
    scene: str
    scene_probability: float
    model_version: str
