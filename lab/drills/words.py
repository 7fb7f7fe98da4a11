"""What a player reads: the opening, the hints and where to look. No hint but the last names service and kind."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lab.campaign.truth import Truth, plain

_SLOW = (
    "Support has three calls from agents who say that the price takes ages to appear today.",
    "A user writes: I press the button, and then I wait. Yesterday it was there at once.",
    "The mobile team says their screens time out more often than they used to.",
)
_FAILING = (
    "A user writes: about every other time I get no price, or one that says something is missing.",
    "A partner's integration reports refused or incomplete predictions since a few minutes.",
    "Support says: people see answers without their photo's part, or no answer at all.",
)
_WRONG = (
    "An agent writes: nothing is slow and nothing fails, but your numbers look odd to me today.",
    "The marketing lead says that the users we call likely to convert do not behave like it any more.",
    "A data scientist on the way out says: have a look whether the predictions still make sense.",
)
_STRANGE = (
    "A colleague says: I tried to follow a request this morning and could not make sense of what I saw.",
    "The on-call before you left a note: the picture and the system do not quite agree. Have a look.",
)
_SILENT = frozenset(
    {
        "stale data", "missing data", "training-serving skew", "data drift", "concept drift", "late labels",
    }
)  # fmt: skip
_ERRORS = frozenset(
    {
        "access denied", "dependency down", "network loss", "bad input", "crash", "timeout", "rate limit",
        "hidden outage", "retries",
    }
)  # fmt: skip
_PICTURE = frozenset({"broken trace", "broken correlation", "clock skew", "telemetry loss", "cardinality"})


def complaint(truths: Sequence[Truth], seed: int) -> str:
    """A user's words for what they would notice; of a healthy system some words too."""
    generator = random.Random(f"complaint/{seed}")
    if not truths:
        return generator.choice((*_SLOW, *_FAILING, *_WRONG, *_STRANGE))
    return generator.choice(_heard(truths[0]))


def hints(truths: Sequence[Truth], queries: Sequence[str]) -> list[str]:
    """Four hints, each telling more; the last one all but the operation. ``queries`` are what to type, by cause."""
    if not truths:
        return [
            "Compare with an hour ago before you believe what somebody says.",
            "Look at the objectives first: how much of the budget burns?",
            "Every signal has a range in which it moves on a good day.",
            "Nothing is wrong.",
        ]
    first, typed = truths[0], queries[0] if queries else ""
    if tells_both(typed, truths):
        typed = ""
    both = " There are two causes." if len(truths) > 1 else ""
    return [
        _class_hint(first) + both,
        f"Try this query: {typed}" if typed else "Compare traces of now with traces from before it began.",
        f"Look at {first.services[0]}."
        if first.kinds[0] in _SILENT
        else f"Follow the path through {first.services[0]}.",
        "; ".join(f"{truth.kinds[0]} in {truth.services[0]}" for truth in truths) + ".",
    ]


def tells_both(text: str, truths: Sequence[Truth]) -> bool:
    """Whether a text names a service and a kind of one cause together, in any of their accepted names."""
    said = f" {plain(text)} "
    return any(
        any(f" {plain(name)} " in said for name in truth.services)
        and any(f" {plain(kind)} " in said for kind in truth.kinds)
        for truth in truths
    )


def fails(truth: Truth) -> bool:
    """Whether users hear of it by failures rather than by slowness."""
    return truth.kinds[0] in _ERRORS


def _heard(truth: Truth) -> tuple[str, ...]:
    kind = truth.kinds[0]
    if truth.silent or kind in _SILENT:
        return _WRONG
    if kind in _PICTURE:
        return _STRANGE
    return _FAILING if fails(truth) else _SLOW


def _class_hint(truth: Truth) -> str:
    heard = _heard(truth)
    if heard is _WRONG:
        return "Latency and status codes will not help: look at what is served and what came true."
    if heard is _STRANGE:
        return "Ask whether the telemetry is right before you ask whether the system is."
    return (
        "Start at the errors and where they begin."
        if heard is _FAILING
        else "Start at the critical path of a slow trace."
    )
