"""Requests turned away at the door although everything behind it is idle."""

from __future__ import annotations

from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, lines
from lab.diagnosis.window import Window

_TOO_MANY = 429


def find(window: Window) -> list[Finding]:
    refused = [s for s in window.now.spans if s.kind == "server" and s.attributes.get(names.STATUS_CODE) == _TOO_MANY]
    before = [s for s in window.before.spans if s.kind == "server" and s.attributes.get(names.STATUS_CODE) == _TOO_MANY]
    if not refused:
        return []
    service = refused[0].service
    answered = [s for s in window.now.spans if s.kind == "server" and s.service == service]
    usual = [s for s in window.before.spans if s.kind == "server" and s.service == service]
    share, share_before = len(refused) / len(answered), len(before) / max(len(usual), 1)
    if share < 0.02 or share < 4 * share_before:
        return []
    sentence = (
        f"{service} turns {share:.0%} of its requests away with 429 ({share_before:.0%} before), before any work."
    )
    logs = lines(window.now.logs, services=[service], having=("429", "refused", "limit", "reject"))
    evidence = Evidence(
        {"share": share, "share_before": share_before}, examples(refused), logs, window.query("rejected")
    )
    return [Finding(service, "admission", "rate limit", graded(share, 0.01, 0.15), sentence, evidence)]
