"""Whom to ask about one stack: metrics, traces and logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import httpx

from lab.clients.loki import Loki
from lab.clients.prometheus import Prometheus
from lab.clients.tempo import Tempo
from lab.place import Place


@dataclass(frozen=True)
class Backends:
    """The three backends of one stack."""

    prometheus: Prometheus
    tempo: Tempo
    loki: Loki

    @classmethod
    def of(cls, place: Place, http: httpx.Client) -> Self:
        """Those of a stack, wherever they stand."""
        prometheus = Prometheus(place.url("prometheus"), http)
        return cls(prometheus, Tempo(place.url("tempo"), http), Loki(place.url("loki"), http))
