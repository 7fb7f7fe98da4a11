"""The users' days: a session before each prediction, and what became of it long after."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lab.traffic.bodies import Bodies, Request
from lab.traffic.market_time import MarketTime
from lab.traffic.outbox import Outbox
from lab.traffic.shifts import WantedShifts
from lab.traffic.wire import Wire
from marketplace.world import Shifts, World

LEAD_S = 2.5  # from a session's event to its prediction: sent within a second, counted within another
_EVENTS_KEPT, _OUTCOMES_KEPT = 2_000, 50_000
_EVERY_S = 1.0


class Days:
    """Tells the system of sessions and outcomes, once a second each.

    ``label_share`` of the predictions gets its outcome reported: in life most interest ends without a trace, and
    labelling costs. Outcomes wait in memory; what is still waiting when the traffic stops is never told.
    """

    def __init__(
        self,
        seed: int,
        market: MarketTime,
        bodies: Bodies,
        wanted: WantedShifts,
        *,
        label_share: float,
        tell: Callable[[str], None],
    ) -> None:
        self.market, self.bodies, self.wanted, self.label_share = market, bodies, wanted, label_share
        self.events = Outbox("/v1/events", "events", _EVENTS_KEPT)
        self.outcomes = Outbox("/v1/outcomes", "outcomes", _OUTCOMES_KEPT)
        self._tell = tell
        self._run = secrets.token_hex(4)  # the same seed draws the same sessions again after a restart
        self._rng, self._chance = np.random.default_rng(seed), random.Random(f"labels-{seed}")

    def begins(self, visit: Request) -> None:
        """The visit's session is over; its prediction is asked for ``LEAD_S`` seconds later."""
        now = time.time()
        session = self.bodies.world.session(visit.user_id, self._rng, self.market.at(now))
        event = {
            "event_id": f"{visit.session}-{self._run}",
            "user_id": visit.user_id,
            "session_duration": session.session_duration,
            "items_viewed": session.items_viewed,
            "saved": session.saved,
            "occurred_at": round(now, 3),
        }
        self.events.put(now, event)

    def answered(self, visit: Request, answer: dict[str, Any]) -> None:
        """A prediction was made; for a share of them, what really happened will be told."""
        if self._chance.random() >= self.label_share:
            return
        now = time.time()
        outcome = self.bodies.world.outcome(visit.user_id, visit.listing_id, self._rng, self.market.at(now))
        told: dict[str, Any] = {"prediction_id": answer["prediction_id"], "converted": outcome.converted}
        if outcome.converted:
            told["sale_price"] = outcome.sale_price
        self.outcomes.put(now + self.market.ours(outcome.delay), told)

    async def run(self, wire: Wire) -> None:
        """Deliver what is due, and follow the wanted shifts, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self._follow()
            now = time.time()
            await asyncio.gather(self.events.deliver(wire, now), self.outcomes.deliver(wire, now))

    def numbers(self) -> dict[str, object]:
        """For the log: what was told since the start, and what waits."""
        return {
            "events": dict(self.events.counts),
            "outcomes": dict(self.outcomes.counts),
            "outcomes_waiting": len(self.outcomes),
        }

    async def _follow(self) -> None:
        problem, wanted = self.wanted.problem, self.wanted.now()
        if self.wanted.problem != problem and self.wanted.problem:
            self._tell(self.wanted.problem)
        if wanted != self.bodies.world.shifts:
            self.bodies.move_to(await asyncio.to_thread(_shifted, self.bodies.world.seed, wanted))


def _shifted(seed: int, shifts: Shifts) -> World:
    """A world under these shifts with its tables drawn, which takes 0.1 s: too long for the loop."""
    world = World(seed, shifts)
    world.user(world.users[0].id)
    world.listing(world.listings[0].id)
    return world
