"""Which user gets which version of a model: a hash decides, so a user keeps theirs and experiments are independent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

from chassis import semconv
from chassis.knobs import Knob
from chassis.telemetry import Telemetry

STABLE, CANDIDATE = "v1", "v2"
SLOTS = 10_000


class VersionRouter:
    """``shares``: percent of users, by model, that get the candidate at start; knobs ``canary.MODEL`` from then on.

    Each change is a deployment: it is counted, logged and shown as an annotation.
    """

    def __init__(self, shares: Mapping[str, float], telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.shares: dict[str, Knob[float]] = {
            model: telemetry.knobs.register(
                f"canary.{model}",
                share,
                f"Percent of users whose {model} is {CANDIDATE}.",
                minimum=0.0,
                maximum=100.0,
                on_change=partial(self._changed, model),
            )
            for model, share in shares.items()
        }
        for model, share in shares.items():
            telemetry.gauge(semconv.CANARY_SHARE, share, model_name=model)

    def _changed(self, model: str, share: float) -> None:
        self.telemetry.gauge(semconv.CANARY_SHARE, share, model_name=model)
        self.telemetry.deployed("canary", model_name=model, model_version=CANDIDATE, share_percent=share)

    def version(self, model: str, user_id: str) -> str:
        return CANDIDATE if _slot(model, user_id) < self.shares[model].value * SLOTS / 100 else STABLE

    def versions(self, user_id: str) -> dict[str, str]:
        return {model: self.version(model, user_id) for model in self.shares}


def _slot(model: str, user_id: str) -> int:
    """From 0 to SLOTS - 1. The model is hashed too: else the same users would be in every experiment."""
    digest = hashlib.blake2b(f"{model}:{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % SLOTS
