"""Prometheus's query API: instant, range, exemplars and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx

from lab.clients.http import get_json
from lab.clients.telemetry import Exemplar, Sample


class Prometheus:
    """A client of one Prometheus."""

    def __init__(self, base_url: str, http: httpx.Client) -> None:
        self._base_url = base_url
        self._http = http

    def query(self, promql: str, at_s: float | None = None) -> list[Sample]:
        """An instant query's series (at ``at_s``, Unix seconds; now if None)."""
        params: dict[str, str | int] = {"query": promql}
        if at_s is not None:
            params["time"] = f"{at_s:.3f}"
        return parse_result(self._ask("query", params))

    def query_range(self, promql: str, start_s: float, end_s: float, step_s: float) -> list[Sample]:
        params: dict[str, str | int] = {
            "query": promql,
            "start": f"{start_s:.3f}",
            "end": f"{end_s:.3f}",
            "step": f"{step_s:g}",
        }
        return parse_result(self._ask("query_range", params))

    def exemplars(self, promql: str, start_s: float, end_s: float) -> list[Exemplar]:
        params: dict[str, str | int] = {"query": promql, "start": f"{start_s:.3f}", "end": f"{end_s:.3f}"}
        return list(parse_exemplars(self._ask("query_exemplars", params)))

    def alerts(self) -> list[dict[str, Any]]:
        """Pending and firing alerts as Prometheus describes them."""
        return list(self._ask("alerts", {})["alerts"])

    def targets(self) -> list[dict[str, Any]]:
        """Active scrape targets as Prometheus describes them."""
        return list(self._ask("targets", {"state": "active"})["activeTargets"])

    def _ask(self, path: str, params: dict[str, str | int]) -> Any:
        return get_json(self._http, "Prometheus", f"{self._base_url}/api/v1/{path}", params)["data"]


def parse_result(data: dict[str, Any]) -> list[Sample]:
    """Series of a ``vector``, ``matrix`` or ``scalar`` result; native histograms are left to their functions."""
    if data["resultType"] == "scalar":
        return [Sample({}, (_point(data["result"]),))]
    return [_sample(row) for row in data["result"] if "value" in row or "values" in row]


def parse_exemplars(data: Iterable[dict[str, Any]]) -> Iterable[Exemplar]:
    for series in data:
        for row in series["exemplars"]:
            yield Exemplar(series["seriesLabels"], row["labels"], float(row["value"]), float(row["timestamp"]))


def _sample(row: dict[str, Any]) -> Sample:
    points = row["values"] if "values" in row else [row["value"]]
    return Sample(row["metric"], tuple(_point(point) for point in points))


def _point(pair: list[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
