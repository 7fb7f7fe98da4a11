"""A window in a file, so that a recorded case is diagnosed as the live one was."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from lab import atomic
from lab.clients.telemetry import LogLine, Sample, Span
from lab.diagnosis.window import Period, Window

_LEVEL = 5


def save_period(path: Path, period: Period) -> None:
    """Write one period; the file appears whole or not at all."""
    document = {
        "start_s": period.start_s,
        "end_s": period.end_s,
        "spans": [_span_row(span) for span in period.spans],
        "logs": [[line.time_ns, line.body, dict(line.labels)] for line in period.logs],
        "series": {name: [[dict(s.labels), s.points] for s in found] for name, found in period.series.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # A fixed time in gzip's header: the same window makes the same file.
    atomic.write(path, gzip.compress(orjson.dumps(document), _LEVEL, mtime=0))


def load_period(path: Path) -> Period:
    """Read what ``save_period`` wrote. Raises OSError or ValueError for anything else."""
    document = orjson.loads(gzip.decompress(path.read_bytes()))
    return Period(
        document["start_s"],
        document["end_s"],
        tuple(_span(row) for row in document["spans"]),
        tuple(LogLine(time_ns, body, labels) for time_ns, body, labels in document["logs"]),
        {name: tuple(_sample(row) for row in found) for name, found in document["series"].items()},
    )


def load_window(now: Path, before: Path) -> Window:
    """A recorded period with its recorded baseline."""
    return Window(load_period(now), load_period(before))


def _span_row(span: Span) -> list[Any]:
    return [
        span.trace_id, span.span_id, span.parent_id, span.service, span.name, span.kind, span.start_ns, span.end_ns,
        span.status, span.status_message, dict(span.attributes), dict(span.resource),
    ]  # fmt: skip


def _span(row: list[Any]) -> Span:
    return Span(*row)


def _sample(row: tuple[Mapping[str, str], list[list[float | None]]]) -> Sample:
    labels, points = row
    # JSON knows no NaN: orjson writes null.
    return Sample(labels, tuple((float(at or 0), float("nan") if value is None else value) for at, value in points))
