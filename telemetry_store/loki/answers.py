"""Loki's answer shapes."""

from typing import Any

from starlette.responses import Response

from telemetry_store.http import json_answer
from telemetry_store.ingest.values import format_float
from telemetry_store.logql.metrics import Matrix
from telemetry_store.logql.samples import sorted_labels
from telemetry_store.logql.stages import Line
from telemetry_store.logql.vectors import Labels

TYPE = "application/json; charset=UTF-8"


def success(data: Any) -> Response:
    """`data` in Loki's envelope."""
    return json_answer({"status": "success", "data": data}, TYPE)


def _result(kind: str, result: Any, entries: int) -> Response:
    stats = {"summary": {"totalEntriesReturned": entries}}
    return success({"resultType": kind, "result": result, "stats": stats})


def streams(lines: list[Line]) -> Response:
    """Lines by their labels, each stream's in the order given."""
    found: dict[Labels, list[list[str]]] = {}
    for line in lines:
        found.setdefault(sorted_labels(line.labels), []).append([str(line.time), line.body])
    result = [{"stream": dict(labels), "values": values} for labels, values in sorted(found.items())]
    return _result("streams", result, len(lines))


def _seconds(moment: int) -> float:
    """Seconds with milliseconds, whole where they are."""
    milliseconds = moment // 1_000_000
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def matrix(found: Matrix) -> Response:
    """Series with their values at each step."""
    result = [
        {"metric": dict(labels), "values": [[_seconds(moment), format_float(value)] for moment, value in points]}
        for labels, points in sorted(found.items())
    ]
    return _result("matrix", result, len(result))


def vector(found: Matrix) -> Response:
    """Series with their value at one moment."""
    result = [
        {"metric": dict(labels), "value": [_seconds(points[0][0]), format_float(points[0][1])]}
        for labels, points in sorted(found.items())
    ]
    return _result("vector", result, len(result))


def scalar(moment: int, value: float) -> Response:
    """A number."""
    return _result("scalar", [_seconds(moment), format_float(value)], 1)
