"""How other services ask for features."""

from __future__ import annotations

from chassis.client import PeerClient, PeerRejected
from services.feature_store.schemas import LISTING_ID, USER_ID, Accepted, Events, FeaturesAnswer, FeaturesAsk

__all__ = ["LISTING_ID", "USER_ID", "Accepted", "Events", "FeatureStoreClient", "FeaturesAnswer", "UnknownListing"]


class UnknownListing(Exception):
    """The feature store knows no such listing."""


class FeatureStoreClient(PeerClient):
    """Raises PeerUnavailable, PeerTimeout or PeerRejected (see chassis.client)."""

    async def features(self, listing_id: str, user_id: str) -> FeaturesAnswer:
        """Raises UnknownListing too."""
        ask = FeaturesAsk.model_construct(listing_id=listing_id, user_id=user_id)
        try:
            body = await self.post("/v1/features", ask.model_dump_json().encode(), "application/json")
        except PeerRejected as error:
            if error.problem.get("type") == "/problems/unknown-listing":
                raise UnknownListing(listing_id) from error
            raise
        return FeaturesAnswer.model_validate_json(body)

    async def send(self, events: Events) -> Accepted:
        """Hands events over; they are counted a moment later."""
        body = await self.post("/v1/events", events.model_dump_json().encode(), "application/json")
        return Accepted.model_validate_json(body)
