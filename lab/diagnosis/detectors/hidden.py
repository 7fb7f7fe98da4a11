"""An outage that no answer admits: a part fails, the answers are whole and in time.

Compares what a trace shows below with what it claims above: errors under a parent that neither fails nor is marked.
"""

from __future__ import annotations

from lab.clients.telemetry import Span
from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, lines
from lab.diagnosis.trace import Trace
from lab.diagnosis.window import Window

KIND = "hidden outage"


def find(window: Window) -> list[Finding]:
    hidden = [call for trace in window.now.predictions if (call := _denied(trace)) is not None]
    before = sum(_denied(trace) is not None for trace in window.before.predictions)
    share = len(hidden) / max(window.requests, 1)
    share_before = before / max(len(window.before.predictions), 1)
    if len(hidden) < 3 or share < 0.04 or share < 4 * share_before:
        return []
    parent, failed = hidden[0]
    peer = str(failed.attributes.get(names.PEER) or "a part")
    sentence = (
        f"In {share:.0%} of the predictions the call to {peer} fails, yet the answer is 200 and not marked as "
        f"degraded ({share_before:.0%} before)."
    )
    logs = lines(window.now.logs, services=[parent.service, peer], having=("missing", "fail", "refus", peer))
    evidence = Evidence(
        {"share": share, "share_before": share_before},
        examples(span for _, span in hidden),
        logs,
        window.query("client_requests"),
    )
    return [Finding(parent.service, parent.name, KIND, graded(share, 0.02, 0.3), sentence, evidence)]


def _denied(trace: Trace) -> tuple[Span, Span] | None:
    """(parent, its last failing call to a part) of a trace that claims to be whole."""
    if trace.root.attributes.get(names.STATUS_CODE) != 200 or trace.root.attributes.get(names.DEGRADED) is not False:
        return None
    for span in trace.spans:
        calls = [child for child in trace.children(span) if child.kind == "client" and child.attributes.get(names.PEER)]
        by_peer = {str(call.attributes[names.PEER]): call for call in sorted(calls, key=lambda call: call.start_ns)}
        if len(by_peer) >= 2:
            failed = [call for call in by_peer.values() if call.status == "error"]
            missing = [call for call in failed if _never_answered(calls, call)]
            if missing:
                return span, missing[0]
    return None


def _never_answered(calls: list[Span], failed: Span) -> bool:
    peer = failed.attributes.get(names.PEER)
    return not any(call.status != "error" for call in calls if call.attributes.get(names.PEER) == peer)
