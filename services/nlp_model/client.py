"""How other services ask the text model."""

from __future__ import annotations

from chassis.client import PeerClient
from services.nlp_model.schemas import TextAnswer, TextAsk

__all__ = ["NlpModelClient", "TextAnswer"]


class NlpModelClient(PeerClient):
    """Raises PeerUnavailable, PeerTimeout or PeerRejected (see chassis.client)."""

    async def score(self, description: str, version: str) -> TextAnswer:
        ask = TextAsk.model_construct(description=description, version=version)
        body = await self.post("/v1/score", ask.model_dump_json().encode(), "application/json")
        return TextAnswer.model_validate_json(body)
