"""Inference runs on the event loop, and averages over several passes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where, dial


@dataclass(frozen=True)
class InferenceOnLoop:
    """Inference runs on the event loop, and averages over several passes."""

    passes: int = dial(4, 20, "Passes of one inference.")

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"runner.executor": "loop", "runner.passes": self.passes})
