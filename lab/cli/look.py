"""``faultline traces``, ``trace``, ``logs`` and ``metrics``: look into the telemetry."""

from __future__ import annotations

import math
import re
import time
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from lab.cli.first_trace import print_trace
from lab.cli.output import AsJson, console, print_json, table
from lab.cli.waterfall import trace_json
from lab.clients.http import open_client
from lab.clients.loki import Loki, log_query
from lab.clients.prometheus import Prometheus
from lab.clients.telemetry import LogLine, TraceSummary
from lab.clients.tempo import Tempo, trace_query
from lab.place import LabError, Place

_UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LEVEL_STYLE = {"ERROR": "bold red", "CRITICAL": "bold red", "FATAL": "bold red", "WARNING": "yellow", "WARN": "yellow"}

Since = Annotated[str, typer.Option(help="How far back: 30s, 15m, 2h, 1d.")]
Service = Annotated[str, typer.Option(help="Only this service, such as cv_model.")]


def traces(
    service: Service = "",
    min_duration: Annotated[str, typer.Option(help="Only traces at least this long: 250ms, 1.5s.")] = "",
    errors: Annotated[bool, typer.Option("--errors", help="Only traces with an error span (of the service).")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 20,
    since: Since = "1h",
    as_json: AsJson = False,
) -> None:
    """Search traces, the newest first.

    [dim]Examples:[/dim]
      faultline traces --min-duration 100ms
      faultline traces --service cv_model --since 5m --limit 5 --errors
    """
    now = time.time()
    least = seconds(min_duration) if min_duration else 0.0
    query = trace_query(service=service, min_duration_s=least, errors=errors)
    with open_client() as http:
        tempo = Tempo(Place.from_environment().url("tempo"), http)
        found = tempo.search(query, now - seconds(since), now + 1, limit)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    columns = ("trace", "started", "root", "duration", "spans", "errors")
    console().print(table(columns, map(_trace_row, found), right=("duration", "spans", "errors")))
    if not found:
        console().print("No such trace; a trace can be found a few seconds after it ends.")


def trace(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="Trace id, up to 32 hexadecimal digits.")],
    as_json: AsJson = False,
) -> None:
    """Draw a trace as a waterfall: service, operation, bar, duration, error mark, critical path highlighted.

    [dim]Example:[/dim]
      faultline trace 5b8efff798038103d269b633813fc60c
    """
    with open_client() as http:
        spans = Tempo(Place.from_environment().url("tempo"), http).trace(trace_id)
    if as_json and spans:
        print_json(trace_json(spans))
        return
    print_trace(trace_id, spans, console())


def logs(
    trace: Annotated[str, typer.Option(help="Only lines of this trace.")] = "",
    service: Service = "",
    contains: Annotated[str, typer.Option(help="Only lines that hold this text.")] = "",
    since: Since = "1h",
    limit: Annotated[int, typer.Option(min=1, max=5000, help="At most so many, the newest.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Search log lines of all services, the oldest first.

    [dim]Examples:[/dim]
      faultline logs --trace 5b8efff798038103d269b633813fc60c
      faultline logs --service nlp_model --contains error --since 10m
    """
    now = time.time()
    query = log_query(service=service, trace_id=trace.lower(), contains=contains)
    with open_client() as http:
        loki = Loki(Place.from_environment().url("loki"), http)
        lines = loki.lines(query, now - seconds(since), now + 1, limit)
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    out = console()
    for line in lines:
        out.print(_log_text(line), soft_wrap=True)
    if not lines:
        out.print(f"No line matches {query}", markup=False, soft_wrap=True)


def metrics(
    query: Annotated[str, typer.Argument(help="PromQL.")],
    limit: Annotated[int, typer.Option(min=1, help="At most so many series, the highest.")] = 40,
    as_json: AsJson = False,
) -> None:
    """Ask Prometheus, for now: each series and its value, the highest first.

    [dim]Example:[/dim]
      faultline metrics 'sum by (service_name, status) (rate(http_requests_total[1m]))'
    """
    with open_client() as http:
        found = Prometheus(Place.from_environment().url("prometheus"), http).query(query)
    # What is no number (0/0) comes last.
    series = sorted(found, key=lambda each: each.value if each.value == each.value else -math.inf, reverse=True)[:limit]
    if as_json:
        print_json([{"labels": each.labels, "value": _number(each.value)} for each in series])
        return
    out = console()
    for each in series:
        labels = ", ".join(f"{name}={value}" for name, value in sorted(each.labels.items()) if name != "__name__")
        out.print(
            f"{each.value:>14.6g}  {each.labels.get('__name__', '')} {labels}".rstrip(), markup=False, soft_wrap=True
        )
    if not series:
        out.print("No series answers that.", markup=False)


def _number(value: float) -> float | None:
    """JSON knows no NaN and no infinity."""
    return value if math.isfinite(value) else None


def seconds(text: str) -> float:
    """A duration such as ``90s``, ``1.5h`` or ``250ms`` in seconds. Raises LabError if it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text.strip())
    if not match:
        raise LabError(f"{text!r} is no duration.", "Write a number and a unit: 250ms, 30s, 15m, 2h, 1d.")
    return float(match[1]) * _UNIT_S[match[2]]


def _trace_row(found: TraceSummary) -> tuple[str | Text, ...]:
    return (
        found.trace_id,
        _clock(found.start_ns),
        f"{found.root_service} {found.root_name}",
        f"{found.duration_ms} ms",
        str(sum(found.spans_by_service.values()) or ""),
        Text(str(found.error_spans or ""), "red"),
    )


def _log_text(line: LogLine) -> Text:
    text = Text(f"{_clock(line.time_ns)}  ", style="dim")
    text.append(f"{line.level:<8}", style=_LEVEL_STYLE.get(line.level, "default"))
    text.append(f"{line.service:<14}", style="cyan")
    text.append(line.body)
    if line.trace_id:
        text.append(f"  {line.trace_id}", style="dim")
    return text


def _clock(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9).astimezone().strftime("%H:%M:%S.%f")[:-3]
