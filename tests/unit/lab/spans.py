"""Spans by a few words, for tests of traces: times in ms from zero."""

from __future__ import annotations

from lab.clients.telemetry import Span, Status

TRACE_ID = "5b8efff798038103d269b633813fc60c"


def span(
    name: str, start: float, end: float, parent: str = "", service: str = "gateway", status: Status = "unset"
) -> Span:
    """A span whose id is made of its name; ``parent`` is the parent's name."""
    return Span(
        trace_id=TRACE_ID,
        span_id=span_id(name),
        parent_id=span_id(parent) if parent else "",
        service=service,
        name=name,
        kind="internal",
        start_ns=int(start * 1e6),
        end_ns=int(end * 1e6),
        status=status,
    )


def span_id(name: str) -> str:
    return name.encode().hex()[:16].ljust(16, "0")
