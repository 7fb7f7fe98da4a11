"""Which user gets which version of a model: a hash decides, so a user keeps theirs and experiments are independent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from chassis.knobs import Knob, Knobs

STABLE, CANDIDATE = "v1", "v2"
SLOTS = 10_000


class VersionRouter:
    """``shares``: percent of users, by model, that get the candidate at start; knobs ``canary.MODEL`` from then on."""

    def __init__(self, shares: Mapping[str, float], knobs: Knobs) -> None:
        self.shares: dict[str, Knob[float]] = {
            model: knobs.register(
                f"canary.{model}", share, f"Percent of users whose {model} is {CANDIDATE}.", minimum=0.0, maximum=100.0
            )
            for model, share in shares.items()
        }

    def version(self, model: str, user_id: str) -> str:
        return CANDIDATE if _slot(model, user_id) < self.shares[model].value * SLOTS / 100 else STABLE

    def versions(self, user_id: str) -> dict[str, str]:
        return {model: self.version(model, user_id) for model in self.shares}


def _slot(model: str, user_id: str) -> int:
    """From 0 to SLOTS - 1. The model is hashed too: else the same users would be in every experiment."""
    digest = hashlib.blake2b(f"{model}:{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % SLOTS
