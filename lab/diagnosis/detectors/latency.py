"""The operation whose own time grew most: where to look when no mechanism shows itself.

MicroRank's and TraceRCA's answer by itself; here the last resort, so it never speaks louder than a mechanism.
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, is_call, slowed
from lab.diagnosis.profile import Growth
from lab.diagnosis.window import Window

_MOST = 0.55


def find(window: Window) -> list[Finding]:
    return [_finding(window, growth) for growth in window.profile.growths[:3] if slowed(growth)]


def _finding(window: Window, growth: Growth) -> Finding:
    service, place = growth.key
    share = window.profile.share(growth)
    sentence = (
        f"{place} of {service} takes {growth.now_ms:.0f} ms of a request by itself ({growth.before_ms:.1f} ms before), "
        f"{share:.0%} of all that was gained."
    )
    numbers = {"own_ms": growth.now_ms, "own_before_ms": growth.before_ms, "share": share}
    evidence = Evidence(numbers, growth.traces, (), "traces_spanmetrics_latency_bucket")
    return Finding(service, place, _likely(place), graded(growth.gain_ms, 3, 60) * _MOST * share, sentence, evidence)


def _likely(place: str) -> str:
    """The kind that is likeliest for such a place when nothing else is known."""
    if is_call(place):
        return "network latency"
    return "queueing" if "wait" in place or "lookup" in place else "CPU contention"
