"""Too many round trips, or too much in one: the N+1 query and the big read.

The N+1 rule is that of performance antipatterns (Smith and Williams, "Software Performance AntiPatterns", 2000: "Empty
Semi Trucks"): many calls that could have been one, here counted a trace.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from lab.clients.telemetry import Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, ratio
from lab.diagnosis.trace import Trace, operation
from lab.diagnosis.window import Window

KIND = "inefficient query"
_MORE_ROUND_TRIPS = 4.0
_BIG_READ_BYTES = 20_000


def find(window: Window) -> list[Finding]:
    services = sorted({key[0] for key in window.profile.now if key[1] == "Redis"})
    found = [finding for service in services if (finding := _many(window, service))]
    many = {finding.service for finding in found}
    return found + [each for service in services if service not in many and (each := _big(window, service))]


def _many(window: Window, service: str) -> Finding | None:
    now, before = _round_trips(window.now.predictions, service), _round_trips(window.before.predictions, service)
    if not now or not before:
        return None
    a, b = float(np.mean(list(now.values()))), float(np.mean(list(before.values())))
    if ratio(a, b, 0.5) < _MORE_ROUND_TRIPS or a - b < 4:
        return None
    traces = tuple(sorted(now, key=lambda trace_id: -now[trace_id])[:3])
    sentence = f"{service} makes {a:.0f} round trips to Redis a request ({b:.1f} before), one after the other."
    evidence = Evidence({"round_trips": a, "round_trips_before": b}, traces, (), '{ span.peer.service = "redis" }')
    return Finding(service, _asked_by(window, service), KIND, graded(a / b, 3, 8), sentence, evidence)


def _big(window: Window, service: str) -> Finding | None:
    now, before = window.rise("received_bytes", service_name=service, peer="redis")
    calls_now, calls_before = window.rise("client_requests", service_name=service, peer="redis")
    each, each_before = now / max(calls_now, 1), before / max(calls_before, 1)
    if each < _BIG_READ_BYTES or ratio(each, each_before, 1) < 5:
        return None
    observed = window.profile.now.get((service, "Redis"))
    sentence = f"{service} reads {each / 1000:.0f} kB from Redis a call ({each_before / 1000:.1f} kB before)."
    numbers = {"bytes_a_call": each, "bytes_a_call_before": each_before}
    evidence = Evidence(numbers, observed.slowest() if observed else (), (), window.query("received_bytes"))
    return Finding(service, _asked_by(window, service), KIND, graded(each / each_before, 4, 15), sentence, evidence)


def _round_trips(traces: tuple[Trace, ...], service: str) -> dict[str, int]:
    return {
        trace.trace_id: sum(_is_read(span, service) for span in trace.spans)
        for trace in traces if any(span.service == service for span in trace.spans)
    }  # fmt: skip


def _is_read(span: Span, service: str) -> bool:
    return span.service == service and operation(span) == "Redis"


def _asked_by(window: Window, service: str) -> str:
    """The operation under which most Redis spans of a service stand."""
    counts: Counter[str] = Counter()
    for trace in window.now.predictions:
        by_id = {span.span_id: span for span in trace.spans}
        counts.update(
            by_id[span.parent_id].name for span in trace.spans if _is_read(span, service) and span.parent_id in by_id
        )
    return counts.most_common(1)[0][0] if counts else "Redis"
