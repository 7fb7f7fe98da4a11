"""A service's metrics page, read as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Exemplar, Sample

PAGE_TYPE = "application/openmetrics-text; version=1.0.0"


@dataclass(frozen=True)
class MetricsPage:
    """One scrape of one service."""

    service: str
    samples: tuple[Sample, ...]
    families: dict[str, str]  # kind by family name

    @classmethod
    def parse(cls, service: str, text: str) -> MetricsPage:
        """Raises ValueError for text that is no OpenMetrics."""
        families = list(text_string_to_metric_families(text))
        samples = tuple(sample for family in families for sample in family.samples)
        return cls(service, samples, {family.name: family.type for family in families})

    def find(self, name: str, **labels: str) -> Iterator[Sample]:
        """Samples of one name with at least these labels."""
        for sample in self.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                yield sample

    def value(self, name: str, **labels: str) -> float:
        """The sum over all series with these labels; 0 where there are none."""
        return sum(sample.value for sample in self.find(name, **labels))

    def exemplars(self, histogram: str, **labels: str) -> list[Exemplar]:
        return [sample.exemplar for sample in self.find(f"{histogram}_bucket", **labels) if sample.exemplar]
