"""What a learner's program says: Prometheus' text format and JSON lines, read as far as they can be."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Page:
    """The samples of a page of metrics, or why it could not be read."""

    samples: tuple[tuple[str, dict[str, str], float], ...] = ()
    problem: str = ""
    text: str = ""

    def of(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Labels and values of a name's samples that carry these labels."""
        return [(has, value) for each, has, value in self.samples if each == name and labels.items() <= has.items()]

    def total(self, name: str, **labels: str) -> float:
        return sum(value for _, value in self.of(name, **labels))

    def edges(self, histogram: str) -> list[float]:
        """The finite bucket edges of a histogram."""
        found = {float(labels["le"]) for labels, _ in self.of(f"{histogram}_bucket") if "le" in labels}
        return sorted(edge for edge in found if math.isfinite(edge))

    @property
    def names(self) -> set[str]:
        return {name for name, _, _ in self.samples}


def page(text: str) -> Page:
    """A page in Prometheus' text format."""
    try:
        found = [
            (each.name, dict(each.labels), float(each.value))
            for family in text_string_to_metric_families(text)
            for each in family.samples
        ]
    except (ValueError, KeyError, IndexError) as error:
        return Page(problem=f"it is not Prometheus' text format: {error}", text=text)
    return Page(tuple(found), "" if found else "it has no metrics", text)


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Every line of a file that is a JSON object."""
    for line in path.read_text(errors="replace").splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
