"""What anyone would try first, on the same data: chance, the most abnormal service, a three-sigma and keyword rule."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np

from lab.campaign.score import Cause
from lab.campaign.truth import truth_of
from lab.diagnosis.profile import observe
from lab.diagnosis.window import Window
from lab.faults.catalogue import ROWS

_SIGMA = 3.0
# The usual first guess of a kind for a word in a log line.
_WORDS = (
    ("noperm", "access denied"), ("refused", "dependency down"), ("timeout", "timeout"),
    ("no answer within", "timeout"),
    ("reset", "network loss"), ("memory", "memory"), ("decode", "bad input"),
    ("nan", "bad model version"),
)  # fmt: skip


def rankings(case: str, window: Window) -> dict[str, list[Cause]]:
    """What each says of a case, by its name."""
    return {
        "three sigma and keywords": three_sigma(window),
        "most abnormal service": most_abnormal(window),
        "random": chance(case, [truth_of(row).cause for row in ROWS.values()]),
    }


def chance(case: str, causes: Sequence[Cause]) -> list[Cause]:
    """Causes in an order of chance, the same for the same case."""
    shuffled = list(causes)
    random.Random(case).shuffle(shuffled)
    return shuffled


def most_abnormal(window: Window) -> list[Cause]:
    """Services by how many deviations the mean duration of their slowest operation moved; kind: the commonest guess."""
    return [(service, place, "network latency") for service, place, z in _deviations(window) if z > 0]


def three_sigma(window: Window) -> list[Cause]:
    """Operations beyond three deviations, the kind from a keyword in that service's lines; nothing if none is."""
    words = _said(window)
    found = [(s, place, words.get(s, "CPU contention")) for s, place, z in _deviations(window) if z > _SIGMA]
    loud = [(service, "", kind) for service, kind in words.items() if service not in {cause[0] for cause in found}]
    return found + loud


def _deviations(window: Window) -> list[tuple[str, str, float]]:
    now, before = observe(window.now.traces), observe(window.before.traces)
    moved = [
        (service, place, (seen.mean_whole() - usual.mean_whole()) / max(float(np.std(usual.whole_ms)), 0.1))
        for (service, place), seen in now.items()
        if (usual := before.get((service, place))) is not None
    ]
    return sorted(moved, key=lambda each: -each[2])


def _said(window: Window) -> dict[str, str]:
    counts: dict[str, Counter[str]] = {}
    for line in window.now.logs:
        if line.level in ("ERROR", "WARNING", "WARN", "CRITICAL"):
            for word, kind in _WORDS:
                if word in line.body.lower():
                    counts.setdefault(line.service, Counter())[kind] += 1
    return {service: kinds.most_common(1)[0][0] for service, kinds in counts.items()}
