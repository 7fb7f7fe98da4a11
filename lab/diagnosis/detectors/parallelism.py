"""Calls that ran side by side and now run one after another.

The overlap of siblings is what Mystery Machine (Chow et al., OSDI 2014) infers happens-before from: two calls that were
ever seen to overlap do not depend on each other, so a parent in which none overlaps any more has lost its parallelism.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from lab.clients.telemetry import Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded
from lab.diagnosis.trace import Trace
from lab.diagnosis.window import Window

KIND = "lost parallelism"
_FEW = 10


def find(window: Window) -> list[Finding]:
    now, before = _overlaps(window.now.predictions), _overlaps(window.before.predictions)
    found = []
    for key, seen in now.items():
        usual = before.get(key)
        if usual is None or len(seen) < _FEW or len(usual) < _FEW:
            continue
        a, b = (float(np.mean([overlap for overlap, _ in each])) for each in (seen, usual))
        if b < 0.4 or a > b / 4:
            continue
        sentence = (
            f"The calls under {key[1]} of {key[0]} overlap by {a:.0%} of what they could ({b:.0%} before): they are "
            "awaited one after another."
        )
        traces = tuple(trace_id for _, trace_id in seen[:3])
        evidence = Evidence({"overlap": a, "overlap_before": b}, traces, (), f'{{ name = "{key[1]}" }}')
        found.append(Finding(*key, KIND, graded(1 - a / b, 0.6, 0.95), sentence, evidence))
    return found


def _overlaps(traces: tuple[Trace, ...]) -> dict[tuple[str, str], list[tuple[float, str]]]:
    """By parent: how much its calls overlap, of what they could, in each trace."""
    table: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for trace in traces:
        for span in trace.spans:
            calls = [child for child in trace.children(span) if child.kind == "client" and child.status != "error"]
            if len({child.attributes.get("peer.service") for child in calls}) >= 2:
                table[span.service, span.name].append((overlap(calls), trace.trace_id))
    return table


def overlap(spans: list[Span]) -> float:
    """How much the spans overlap, of what they could at most: 0 in a row, 1 all within the longest."""
    total = sum(span.end_ns - span.start_ns for span in spans)
    covered, reached = 0, 0
    for start, end in sorted((span.start_ns, span.end_ns) for span in spans):
        covered += max(end - max(start, reached), 0)
        reached = max(reached, end)
    possible = total - max((span.end_ns - span.start_ns for span in spans), default=0)
    return (total - covered) / possible if possible else 0.0
