"""Calls given up although the callee answers as fast as ever: the deadline is the fault."""

from __future__ import annotations

import re

import numpy as np

from lab.clients.telemetry import Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, lines, slowed
from lab.diagnosis.trace import operation
from lab.diagnosis.window import Window

KIND = "timeout"
_WORDS = re.compile(r"timeout|timed out|deadline|cancel", re.I)
_LEAST_SHARE = 0.05


def find(window: Window) -> list[Finding]:
    found = []
    for key in sorted({key for key in window.profile.now if key[1].startswith("call ")}):
        given_up, asked = _given_up(window, key, True)
        usual, usually_asked = _given_up(window, key, False)
        share, share_before = len(given_up) / max(asked, 1), len(usual) / max(usually_asked, 1)
        peer = key[1].removeprefix("call ")
        if len(given_up) < 3 or share < max(_LEAST_SHARE, 4 * share_before) or _callee_slow(window, peer):
            continue
        longest = float(np.median([span.duration_ms for span in given_up]))
        if longest > _patience(window, key):
            continue  # they waited well beyond the usual: whoever did not answer is the cause
        sentence = (
            f"{key[0]} gives up {share:.0%} of its calls to {peer} after {longest:.0f} ms "
            f"({share_before:.0%} before), while {peer} is no slower than it was."
        )
        logs = lines((line for line in window.now.logs if _WORDS.search(line.body)), services=[key[0]])
        evidence = Evidence(
            {"share": share, "share_before": share_before, "after_ms": longest},
            examples(given_up),
            logs,
            window.query("deadlines"),
        )
        found.append(Finding(*key, KIND, graded(share, 0.03, 0.4), sentence, evidence))
    return found


def _patience(window: Window, key: tuple[str, str]) -> float:
    """Milliseconds within which the callee usually answers, nearly always."""
    usual = window.profile.before.get(key)
    return 2 * float(np.quantile(usual.whole_ms, 0.95)) if usual else 0.0


def _given_up(window: Window, key: tuple[str, str], now: bool) -> tuple[list[Span], int]:
    calls = [s for s in (window.now if now else window.before).spans if s.service == key[0] and operation(s) == key[1]]
    return [
        s
        for s in calls
        if s.status == "error" and _WORDS.search(f"{s.status_message} {s.attributes.get('error.type', '')}")
    ], len(calls)


def _callee_slow(window: Window, peer: str) -> bool:
    """Whether something within the callee grew by itself, or the callee was away."""
    inside = any(growth.key[0] == peer and slowed(growth, 5.0) for growth in window.profile.growths)
    return inside or window.now.total("starts", service_name=peer) > 0
