"""A process that dies or falls silent: it says nothing itself, so its callers and its absence must.

Absence of expected telemetry is evidence of its own; the expected rate is the baseline's.
"""

from __future__ import annotations

from lab.clients.telemetry import Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, lines
from lab.diagnosis.window import Window

KIND = "crash"
_REFUSED = ("refused", "connecterror", "connection attempts failed", "disconnected", "peer closed")


def find(window: Window) -> list[Finding]:
    return [each for service in window.services if (each := _gone(window, service))]


def _gone(window: Window, service: str) -> Finding | None:
    starts = window.now.total("starts", service_name=service)
    up = window.now.value("up", service_name=service)
    down = 1.0 - up if up is not None else (1.0 if window.before.value("up", service_name=service) else 0.0)
    refused = _refused(window, service)
    silent = _silent(window, service)
    if not starts and down < 0.15 and (not silent or len(refused) < 5):
        return None
    if not starts and len(refused) < 2 and not silent:
        return None  # only Prometheus missed it: on a machine short of cores a scrape comes too late
    if starts <= 1 and down < 0.15 and len(refused) < 2:
        return None  # one restart that nobody noticed is a release
    times = f"was started again {starts:.0f} times" if starts else "is silent"
    sentence = f"{service} {times}, was away for {down:.0%} of the time, and {len(refused)} calls to it found nobody."
    caller_logs = lines(window.now.logs, having=(service,)) or lines(window.now.logs, services=[service])
    numbers = {"starts": starts, "away": down, "refused_calls": len(refused)}
    evidence = Evidence(numbers, examples(refused), caller_logs, window.query("up"))
    strength = max(graded(starts, 0.5, 3), graded(down, 0.05, 0.4), graded(len(refused), 2, 20))
    return Finding(service, "process", KIND, strength, sentence, evidence)


def _refused(window: Window, service: str) -> list[Span]:
    return [
        span for span in window.now.spans
        if span.kind == "client" and span.status == "error" and span.attributes.get("peer.service") == service
        and any(word in f"{span.status_message} {span.attributes.get('error.type', '')}".lower() for word in _REFUSED)
    ]  # fmt: skip


def _silent(window: Window, service: str) -> bool:
    """Whether a service that took part in most traces hardly does now."""
    now, before = (
        sum(span.service == service for span in period.spans) / max(len(period.predictions), 1)
        for period in (window.now, window.before)
    )
    return before > 1 and now < 0.2 * before
