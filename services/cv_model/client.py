"""How other services ask the photo model."""

from __future__ import annotations

from chassis.client import PeerClient
from services.cv_model.schemas import PhotoAnswer

__all__ = ["CvModelClient", "PhotoAnswer"]


class CvModelClient(PeerClient):
    """Raises PeerUnavailable, PeerTimeout or PeerRejected (see chassis.client)."""

    async def score(self, photo: bytes, content_type: str, version: str) -> PhotoAnswer:
        """``photo``: a JPEG's or PNG's bytes, sent as they are."""
        body = await self.post("/v1/score", photo, content_type, params={"version": version})
        return PhotoAnswer.model_validate_json(body)
