"""A real question about the marketplace, and when its trace is whole."""

from __future__ import annotations

from lab.clients.gateway import Ask
from lab.clients.telemetry import Span
from lab.place import LabError
from lab.trace_tree import build_tree
from marketplace.world import World
from services import topology


def ask_for(listing_id: str = "", user_id: str = "", description: str = "") -> Ask:
    """A real question about a listing (the first one, unless named), with its own photo and text."""
    world = World()
    listing = listing_id or world.listings[0].id
    user = user_id or world.users[0].id
    try:
        return Ask(user, listing, description or world.description(listing), world.photo(listing))
    except KeyError:
        raise LabError(
            f"There is no listing {listing!r}.", f"Listings run from {world.listings[0].id} to {world.listings[-1].id}."
        ) from None


def is_whole(spans: list[Span]) -> bool:
    """Whether every service is there, under one root and without orphans.

    A service's inner spans end, and are exported, before the server span that holds them.
    """
    if not spans:
        return False
    tree = build_tree(spans)
    return not tree.orphans and {span.service for span in spans} >= set(topology.SERVICES)
