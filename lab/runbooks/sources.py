"""Whom a runbook asks."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from lab.clients.loki import Loki
from lab.clients.prometheus import Prometheus
from lab.clients.tempo import Tempo
from lab.place import Place


@dataclass(frozen=True)
class Sources:
    """The three backends of one stack. ``place`` is where `faultline` steps look; without it they are not run."""

    prometheus: Prometheus
    tempo: Tempo
    loki: Loki
    place: Place | None = None

    @classmethod
    def of(cls, place: Place, http: httpx.Client) -> Sources:
        """Those of a stack, wherever they stand."""
        prometheus = Prometheus(place.url("prometheus"), http)
        return cls(prometheus, Tempo(place.url("tempo"), http), Loki(place.url("loki"), http), place)
