"""The waterfall in the terminal's colours."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from lab.clients.telemetry import Span
from lab.critical_path import time_by_service, time_by_span
from lab.waterfall import PATH, Line, Waterfall, duration_text, waterfall

_COLOURS = ("cyan", "magenta", "green", "blue", "yellow", "bright_cyan", "bright_magenta")


def print_waterfall(spans: list[Span], out: Console) -> None:
    """Print a trace as wide as the terminal. Raises ValueError without any span."""
    drawn = waterfall(spans, out.width)
    glyphs = _glyphs(out)
    colours = {service: _COLOURS[index % len(_COLOURS)] for index, service in enumerate(drawn.services)}
    out.print(_title(drawn), soft_wrap=True)
    for line in drawn.lines:
        out.print(_text(line, drawn, colours, glyphs), no_wrap=True, overflow="ignore", crop=False)
    for text in _foot(drawn, glyphs):
        out.print(text, soft_wrap=True)


def trace_json(spans: list[Span]) -> dict[str, Any]:
    """A trace for programs: its spans with their time on the critical path (ns), and what is missing."""
    drawn = waterfall(spans, 80)
    on_path = time_by_span(list(drawn.path))
    return {
        "trace_id": drawn.trace_id,
        "duration_ms": drawn.duration_ms,
        "roots": drawn.roots,
        "orphans": drawn.orphans,
        "critical_path_ns_by_service": time_by_service(list(drawn.path)),
        "spans": [_span_json(line, on_path.get(line.span.span_id, 0)) for line in drawn.lines],
    }


def _glyphs(out: Console) -> tuple[str, str, str]:
    """Characters for OFF, SPAN and PATH cells; plain ones where the terminal cannot show blocks."""
    return (" ", "─", "█") if out.encoding.lower().startswith("utf") else (" ", "-", "#")


def _title(drawn: Waterfall) -> str:
    parts = [f"{len(drawn.lines)} spans", f"{len(drawn.services)} services", f"{drawn.duration_ms:.1f} ms"]
    if drawn.errors:
        parts.append(f"[red]{drawn.errors} errors[/red]")
    return f"[bold]trace {drawn.trace_id}[/bold]  {' · '.join(parts)}"


def _text(line: Line, drawn: Waterfall, colours: dict[str, str], glyphs: tuple[str, str, str]) -> Text:
    colour = "red" if line.error else colours[line.span.service]
    text = Text(f"{line.service:<{drawn.service_width}}  ", style=colour)
    text.append(f"{line.operation:<{drawn.operation_width}}  ", style="bold default" if line.on_path else "dim default")
    for cell, run in groupby(line.bar):
        text.append(glyphs[cell] * len(list(run)), style=f"bold {colour}" if cell == PATH else f"dim {colour}")
    text.append(f" {'✗' if line.error else ' '}{'?' if line.orphan else ' '}", style="bold red")
    text.append(f"{line.duration:>9}", style="default")
    return text


def _foot(drawn: Waterfall, glyphs: tuple[str, str, str]) -> list[str]:
    total = sum(segment.duration_ns for segment in drawn.path) or 1
    shares = [
        f"{service} {duration_text(nanoseconds)} ({nanoseconds / total:.0%})"
        for service, nanoseconds in time_by_service(list(drawn.path)).items()
    ]
    lines = [f"[bold]{glyphs[PATH]}[/bold] critical path: {', '.join(shares)}"]
    if drawn.orphans:
        lines.append(f"[red]? {drawn.orphans} spans name a parent that is not in this trace[/red]")
    if drawn.roots != 1:
        lines.append(f"[red]{drawn.roots} roots, where one is due[/red]")
    return lines


def _span_json(line: Line, on_path_ns: int) -> dict[str, Any]:
    span = line.span
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "service": span.service,
        "name": span.name,
        "kind": span.kind,
        "start_ns": span.start_ns,
        "duration_ns": span.end_ns - span.start_ns,
        "status": span.status,
        "status_message": span.status_message,
        "critical_path_ns": on_path_ns,
        "orphan": line.orphan,
        "attributes": dict(span.attributes),
        "events": [{"time_ns": each.time_ns, "name": each.name, **each.attributes} for each in span.events],
    }
