"""Inference is handed to its thread without the caller's context."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from chassis.faults.fault import Where


@dataclass(frozen=True)
class BareThread:
    """Inference is handed to its thread without the caller's context."""

    def active(self, where: Where) -> AbstractContextManager[None]:
        return where.turned({"runner.context": False})
