"""What the models are examined on: the served world, in full or in part."""

from __future__ import annotations

import numpy as np

from marketplace.training.fusion import look_at
from marketplace.training.learn import Workshop
from marketplace.training.release import Exam
from marketplace.training.worlds import UNSEEN_VARIANTS, embed
from marketplace.world import World
from marketplace.world.descriptions import describe
from services.cv_model.model import TAPS


def sit(shop: Workshop, listings: int | None = None) -> Exam:
    """The served world's first ``listings`` (all by default) as both networks see them. About 20 ms a listing."""
    world = World()
    count = len(world.listings) if listings is None else listings
    advance = shop.stage("exam", 3 * count)
    seen = look_at(world, count, shop.encoder, shop.reader, TAPS, advance)
    told = (
        describe(listing, np.random.default_rng((world.seed, 91, listing.number)), UNSEEN_VARIANTS)
        for listing in world.listings[:count]
    )
    return Exam(seen, embed(told, shop.encoder, advance))
