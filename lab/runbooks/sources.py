"""Whom a runbook asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import httpx

from lab.clients.backends import Backends
from lab.place import Place


@dataclass(frozen=True)
class Sources(Backends):
    """A stack's backends, and ``place``, where `faultline` steps look; without it they are not run."""

    place: Place | None = None

    @classmethod
    def of(cls, place: Place, http: httpx.Client) -> Self:
        return replace(super().of(place, http), place=place)
