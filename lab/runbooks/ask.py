"""Asking one step's query of its backend, whatever its language."""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lab.clients.telemetry import LogLine, Sample, TraceSummary
from lab.place import LabError, Place
from lab.runbooks.model import Language
from lab.runbooks.sources import Sources

WINDOW = "[1m]"  # as queries write the window; the runner may take another
TRACES, LINES, SHOWN = 50, 500, 12
COMMANDS = frozenset({"status", "traces", "trace", "logs", "diagnose", "prediction", "doctor"})
_COMMAND_TIMEOUT_S = 60.0
_TRACE_METRIC = re.compile(r"\|\s*(rate|\w+_over_time)\s*\([^|]*$")
_LOG_METRIC = re.compile(r"^\s*(sum|avg|min|max|count|topk|rate|\w+_over_time)\b")

Cell = str | float | None


@dataclass(frozen=True)
class Answer:
    """What came back: ``rows`` to show (``total`` of them in all) and the numbers an expectation judges."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    values: tuple[float, ...]
    total: int


def ask(sources: Sources, language: Language, query: str, at: float, window_s: float, *, live: bool) -> Answer:
    """Raises BackendError where a backend refuses, LabError where the step cannot be asked of this time."""
    written = query.replace(WINDOW, f"[{window_s:.0f}s]")
    if language == "promql":
        return _series(sources.prometheus.query(written, at))
    if language == "logql":
        return _logql(sources, written, at, window_s)
    if language == "traceql":
        return _traceql(sources, written, at, window_s)
    return _command(sources.place, written, live=live)


def _logql(sources: Sources, query: str, at: float, window_s: float) -> Answer:
    if _LOG_METRIC.match(query):
        return _series(sources.loki.query(query, at))
    return _lines(sources.loki.lines(query, at - window_s, at, LINES))


def _traceql(sources: Sources, query: str, at: float, window_s: float) -> Answer:
    if _TRACE_METRIC.search(query):
        return _series(sources.tempo.query(query, at - window_s, at))
    return _traces(sources.tempo.search(query, at - window_s, at, TRACES))


def _series(samples: Sequence[Sample]) -> Answer:
    """Highest first; what is no number is shown and judged by nobody."""
    found = sorted(samples, key=lambda each: -math.inf if math.isnan(each.value) else each.value, reverse=True)
    rows = tuple((_labels(each), each.value if math.isfinite(each.value) else None) for each in found)
    values = tuple(each.value for each in found if not math.isnan(each.value))
    return Answer(("series", "value"), rows[:SHOWN], values, len(rows))


def _lines(lines: Sequence[LogLine]) -> Answer:
    rows = tuple((_clock(each.time_ns), each.service, each.level, each.body, each.trace_id) for each in lines)
    return Answer(("time", "service", "level", "line", "trace"), rows[-SHOWN:], (), len(rows))


def _traces(found: Sequence[TraceSummary]) -> Answer:
    rows = tuple(
        (each.trace_id, _clock(each.start_ns), f"{each.root_service} {each.root_name}", float(each.duration_ms))
        for each in found
    )
    return Answer(("trace", "time", "root", "ms"), rows[:SHOWN], (), len(rows))


def _command(place: Place | None, query: str, *, live: bool) -> Answer:
    """Runs what only looks, in a process of its own."""
    program, *words = shlex.split(query)
    if program != "faultline" or not words or words[0] not in COMMANDS:
        raise LabError(f"A step may not run {query!r}.", f"It may run: {', '.join(sorted(COMMANDS))}.")
    if place is None or not live:
        raise LabError("A command looks at the running system only.", "Ask it without a time.")
    environment = {**os.environ, **place.variables}
    command = [sys.executable, "-m", "lab", *words]
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=place.root,
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{query} took more than {_COMMAND_TIMEOUT_S:g} s.") from error
    lines = (done.stdout or done.stderr).rstrip().splitlines()
    rows = tuple((line,) for line in lines)
    return Answer((f"exit code {done.returncode}",), rows[: 3 * SHOWN], (float(done.returncode),), len(rows))


def _labels(sample: Sample) -> str:
    shown = ", ".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name != "__name__")
    return shown or "all"


def _clock(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
