"""Telemetry that is made and does not arrive: the picture is wrong, not the system.

Conservation: what exporters hand over must be what the backend received; what a queue drops is counted where it drops.
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded
from lab.diagnosis.window import Window

KIND = "telemetry loss"


def find(window: Window) -> list[Finding]:
    refused = _backend(window)
    return refused or _queues(window)


def _queues(window: Window) -> list[Finding]:
    """Services whose own queue loses spans."""
    found = []
    for service in sorted(window.now.by("dropped")):
        now, before = window.rise("dropped", service_name=service)
        made = window.now.total("exported", service_name=service)
        share = now / max(now + made, 1)
        if now < 10 or share < 0.02 or now < 4 * before:
            continue
        sentence = (
            f"{service} dropped {now:.0f} items of telemetry, {share:.0%} of what it made ({before:.0f} before): "
            "traces have gaps."
        )
        evidence = Evidence({"dropped": now, "share": share}, _with_gaps(window, service), (), window.query("dropped"))
        found.append(Finding(service, "telemetry", KIND, graded(share, 0.01, 0.2), sentence, evidence))
    return found if len(found) <= 2 else [_shared(window, found)]


def _shared(window: Window, found: list[Finding]) -> Finding:
    """When several lose at once, what they have in common is where they send it."""
    names = ", ".join(finding.service for finding in found)
    dropped = sum(finding.evidence.numbers["dropped"] for finding in found)
    sentence = f"{names} all lose telemetry ({dropped:.0f} items): the backend that they share does not take it."
    return Finding(
        "telemetry", "ingest", KIND, 0.9, sentence, Evidence({"dropped": dropped}, (), (), window.query("dropped"))
    )


def _backend(window: Window) -> list[Finding]:
    refused, before = window.rise("store_refused")
    sent, _ = window.rise("exported")
    received, received_before = window.rise("store_received")
    requests, requests_before = window.rise("requests", service_name="gateway")
    less = received / max(requests, 1) < 0.6 * received_before / max(requests_before, 1)
    if refused < 10 + 4 * before and not (less and received < 0.6 * sent):
        return []
    sentence = (
        f"The telemetry backend refused {refused:.0f} items and took {received:.0f} of the {sent:.0f} that were "
        "sent, while "
        f"requests are steady at {requests:.0f}: what looks like less traffic is less telemetry."
    )
    numbers = {"refused": refused, "received": received, "sent": sent}
    evidence = Evidence(numbers, (), (), window.query("store_refused"))
    strength = max(graded(refused, 5, 100), graded(1 - received / max(sent, 1), 0.2, 0.6) if less else 0.0)
    return [Finding("telemetry", "ingest", KIND, strength, sentence, evidence)]


def _with_gaps(window: Window, service: str) -> tuple[str, ...]:
    """Traces with orphans, or that lack the service."""
    gaps = (
        t.trace_id for t in window.now.traces
        if t.tree.orphans or not any(span.service == service for span in t.spans)
    )  # fmt: skip
    return tuple(trace_id for trace_id, _ in zip(gaps, range(3), strict=False))
