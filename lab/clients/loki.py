"""Loki's query API: log lines. The local store answers the same shapes."""

from __future__ import annotations

import json
from typing import Any

import httpx

from lab.clients.http import get_json
from lab.clients.prometheus import parse_result
from lab.clients.telemetry import LogLine, Sample

EVERYONE = '{service_name=~".+"}'


class Loki:
    """A client of one Loki (or of the store that speaks like it)."""

    def __init__(self, base_url: str, http: httpx.Client) -> None:
        self._base_url = base_url
        self._http = http

    def lines(self, query: str, start_s: float, end_s: float, limit: int = 500) -> list[LogLine]:
        """The newest ``limit`` lines of a LogQL query between two Unix times, oldest first."""
        params: dict[str, str | int] = {
            "query": query,
            "start": int(start_s * 1e9),
            "end": int(end_s * 1e9),
            "limit": limit,
            "direction": "backward",
        }
        return parse_lines(get_json(self._http, "Loki", f"{self._base_url}/loki/api/v1/query_range", params))

    def query(self, logql: str, at_s: float) -> list[Sample]:
        """The series of a LogQL metric query at a Unix time."""
        params: dict[str, str | int] = {"query": logql, "time": int(at_s * 1e9)}
        return parse_result(get_json(self._http, "Loki", f"{self._base_url}/loki/api/v1/query", params)["data"])


def log_query(*, service: str = "", trace_id: str = "", contains: str = "") -> str:
    """LogQL for the lines of one service (or all), holding a text, of one trace.

    >>> log_query(service="cv_model", trace_id="ab")
    '{service_name="cv_model"} | trace_id="ab"'
    """
    parts = [f"{{service_name={_quoted(service)}}}" if service else EVERYONE]
    if contains:
        parts.append(f"|= {_quoted(contains)}")
    if trace_id:
        parts.append(f"| trace_id={_quoted(trace_id)}")
    return " ".join(parts)


def parse_lines(body: dict[str, Any]) -> list[LogLine]:
    """Lines of a ``streams`` answer, oldest first."""
    streams = body["data"]["result"]
    lines = [LogLine(int(entry[0]), entry[1], stream["stream"]) for stream in streams for entry in stream["values"]]
    return sorted(lines, key=lambda line: line.time_ns)


def _quoted(text: str) -> str:
    """A LogQL string: Go's double-quoted strings and JSON's agree for valid text."""
    return json.dumps(text, ensure_ascii=False)
