"""Which user gets which version of a model: a hash decides, so a user keeps theirs and experiments are independent."""

from __future__ import annotations

import hashlib

STABLE, CANDIDATE = "v1", "v2"
SLOTS = 10_000


class VersionRouter:
    """``shares``: percent of users, by model, that get the candidate; may change at any moment."""

    def __init__(self, shares: dict[str, float]) -> None:
        self.shares = shares

    def version(self, model: str, user_id: str) -> str:
        return CANDIDATE if _slot(model, user_id) < self.shares[model] * SLOTS / 100 else STABLE

    def versions(self, user_id: str) -> dict[str, str]:
        return {model: self.version(model, user_id) for model in self.shares}


def _slot(model: str, user_id: str) -> int:
    """From 0 to SLOTS - 1. The model is hashed too: else the same users would be in every experiment."""
    digest = hashlib.blake2b(f"{model}:{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % SLOTS
