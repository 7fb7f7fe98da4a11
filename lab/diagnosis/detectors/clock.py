"""A clock that is wrong: spans outside their parents, all of one service.

Each call gives an estimate of the offset between two clocks, as an NTP exchange does (RFC 5905); the service whose
clock disagrees with the majority is the one that is wrong.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from lab.clients.telemetry import Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded
from lab.diagnosis.window import Period, Window

KIND = "clock skew"
_LEAST_S = 0.1


def find(window: Window) -> list[Finding]:
    now, before = offsets(window.now), offsets(window.before)
    found = []
    for service, offset in now.items():
        change = offset - before.get(service, 0.0)
        if abs(change) < _LEAST_S:
            continue
        ahead = "ahead of" if change > 0 else "behind"
        sentence = (
            f"The clock of {service} is {abs(change):.2f} s {ahead} the others': its spans lie outside their parents."
        )
        traces = tuple({s.trace_id: None for s in window.now.spans if s.service == service})[:3]
        evidence = Evidence({"offset_s": change}, traces, (), f'{{ resource.service.name = "{service}" }}')
        found.append(Finding(service, "clock", KIND, graded(abs(change), 0.05, 0.3), sentence, evidence))
    return found


def offsets(period: Period) -> dict[str, float]:
    """Each service's clock against the majority's, in seconds, from the calls between them."""
    estimates = _estimates(period)
    clocks: dict[str, float] = {}
    for start in sorted({service for pair in estimates for service in pair}):
        if start not in clocks:
            clocks[start] = 0.0
            _spread(start, estimates, clocks)
    middle = float(np.median(list(clocks.values()))) if clocks else 0.0
    return {service: clock - middle for service, clock in clocks.items()}


def _spread(start: str, estimates: dict[tuple[str, str], float], clocks: dict[str, float]) -> None:
    waiting = [start]
    while waiting:
        known = waiting.pop()
        for (caller, callee), offset in estimates.items():
            other, value = (callee, offset) if caller == known else (caller, -offset)
            if known in (caller, callee) and other not in clocks:
                clocks[other] = clocks[known] + value
                waiting.append(other)


def _estimates(period: Period) -> dict[tuple[str, str], float]:
    """By (caller, callee): the median of the offsets that put the server's span into the client's, in seconds.

    Where no offset is needed none is assumed: a request that waits to be accepted makes a long way, not a wrong clock.
    """
    table: dict[tuple[str, str], list[float]] = defaultdict(list)
    for spans in period.raw_traces.values():
        by_id = {span.span_id: span for span in spans}
        for span in spans:
            parent = by_id.get(span.parent_id)
            if parent is not None and parent.service != span.service and _fits(span, parent):
                table[parent.service, span.service].append(_offset(span, parent))
    return {pair: float(np.median(values)) for pair, values in table.items()}


def _fits(child: Span, parent: Span) -> bool:
    """A callee that outlived its caller, or began after the caller gave up, says nothing of clocks."""
    return parent.status != "error" and child.end_ns - child.start_ns <= parent.end_ns - parent.start_ns


def _offset(child: Span, parent: Span) -> float:
    bounds = (child.start_ns - parent.start_ns) / 1e9, (child.end_ns - parent.end_ns) / 1e9
    return 0.0 if min(bounds) <= 0 <= max(bounds) else sum(bounds) / 2
