"""A real question about the marketplace, its answer, and when its trace is whole."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx

from lab.clients.gateway import Ask, Gateway
from lab.clients.telemetry import Span
from lab.place import LabError, Place
from lab.trace_tree import build_tree
from marketplace.world import World
from services import topology


def ask_for(listing_id: str = "", user_id: str = "", description: str = "") -> Ask:
    """A real question about a listing (the first one, unless named), with its own photo and text."""
    world = _world()
    listing = listing_id or world.listings[0].id
    user = user_id or world.users[0].id
    try:
        return Ask(user, listing, description or world.description(listing), world.photo(listing))
    except KeyError:
        raise LabError(
            f"There is no listing {listing!r}.", f"Listings run from {world.listings[0].id} to {world.listings[-1].id}."
        ) from None


def answer_to(ask: Ask, place: Place, http: httpx.Client) -> dict[str, Any]:
    """The gateway's answer to a learner's question. Raises GatewayError."""
    gateway = Gateway(place.url("gateway"), place.api_key(), http)
    return gateway.predict(ask, baggage=f"session.id=learner-{ask.user_id}")


def is_whole(spans: list[Span]) -> bool:
    """Whether every service is there, under one root and without orphans.

    A service's inner spans end, and are exported, before the server span that holds them.
    """
    if not spans:
        return False
    tree = build_tree(spans)
    return not tree.orphans and {span.service for span in spans} >= set(topology.SERVICES)


@cache
def _world() -> World:
    """Its tables are drawn once, however many questions are asked."""
    return World()
