"""Counters of the services read from their own pages, and what grew between two readings: nothing is extrapolated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from lab.campaign.score import wilson
from lab.place import Place
from services import topology

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Counters:
    """Values by series, of all services."""

    values: Mapping[Series, float]

    @classmethod
    def read(cls, place: Place, http: httpx.Client) -> Counters:
        pages = (http.get(f"{place.url(f'{service}_metrics')}/metrics").text for service in topology.SERVICES)
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for page in pages
                for family in text_string_to_metric_families(page)
                for sample in family.samples
            }
        )

    def since(self, before: Counters) -> Counters:
        return Counters({series: value - before.values.get(series, 0.0) for series, value in self.values.items()})

    def total(self, name: str, **labels: str) -> float:
        """The sum over all series of a name with at least these labels."""
        wanted = labels.items()
        return sum(value for (each, has), value in self.values.items() if each == name and wanted <= has)

    def quantile(self, histogram: str, share: float, **labels: str) -> float:
        """A quantile from a classic histogram's buckets, linear within one, as Prometheus has it."""
        edges: dict[float, float] = {}
        for (name, has), value in self.values.items():
            if name == f"{histogram}_bucket" and labels.items() <= has:
                edge = float(dict(has)["le"])
                edges[edge] = edges.get(edge, 0.0) + value
        return _within(sorted(edges.items()), share)


def _within(edges: list[tuple[float, float]], share: float) -> float:
    total = edges[-1][1] if edges else 0.0
    low_edge, low_count = 0.0, 0.0
    for edge, count in edges:
        if total and count >= share * total:
            if math.isinf(edge):
                return low_edge
            return low_edge + (edge - low_edge) * (share * total - low_count) / max(count - low_count, 1e-9)
        low_edge, low_count = edge, count
    return math.nan


@dataclass(frozen=True)
class Leads:
    """Users who were said to convert and whose outcome is known, and how many of them did."""

    count: int
    converted: int

    @classmethod
    def of(cls, grown: Counters, **labels: str) -> Leads:
        named = {"model_name": "conversion_model", "predicted": "yes", **labels}
        return cls(
            round(grown.total("outcomes_joined_total", **named)),
            round(grown.total("outcomes_joined_total", **named, actual="yes")),
        )

    @property
    def share(self) -> float:
        return self.converted / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.converted, self.count)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.1%} of {self.count} ({low:.1%} to {high:.1%})"


def two_proportions(one: Leads, other: Leads) -> float:
    """z of the two-proportion test with pooled variance (Fleiss, 1981, ch. 2); negative where ``one`` is less.

    NaN where one of them has no leads: nothing was compared.
    """
    if not (one.count and other.count):
        return math.nan
    pooled = (one.converted + other.converted) / (one.count + other.count)
    variance = pooled * (1 - pooled) * (1 / one.count + 1 / other.count)
    return (one.share - other.share) / math.sqrt(variance) if variance else 0.0


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
