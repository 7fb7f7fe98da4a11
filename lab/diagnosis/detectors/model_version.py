"""One version of a model answers otherwise than it did, and the other does not.

A difference of differences: the version's scores against its own baseline, beside the other version's in the same time.
Both saw the same traffic, so a shift of the traffic moves both (the control group of Kohavi et al., "Controlled
Experiments on the Web", 2009). The distance is Kolmogorov and Smirnov's, its chance by their asymptotic formula.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from lab.clients.telemetry import Span
from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded
from lab.diagnosis.window import Period, Window

KIND = "bad model version"
_CHANCE = 1e-3
_LEAST_DISTANCE = 0.25
_FEW = 15
Version = tuple[str, str, str]  # service, model, version


def find(window: Window) -> list[Finding]:
    now, before = _scored(window.now), _scored(window.before)
    moved = movements(window)
    found = []
    for version, (distance, chance) in moved.items():
        others = [each for each in moved if each[:2] == version[:2] and each != version]
        if not others or distance < _LEAST_DISTANCE or chance > _CHANCE:
            continue
        if max(moved[other][0] for other in others) > 0.6 * distance:
            continue  # both moved: it is what they were asked
        found.append(_finding(window, version, now, before, distance))
    return found


def movements(window: Window) -> dict[Version, tuple[float, float]]:
    """(distance, chance) of each version's scores against its own baseline."""
    now, before = _scored(window.now), _scored(window.before)
    return {version: _moved(now[version], before[version]) for version in now if version in before}


def _finding(
    window: Window, version: Version, now: dict[Version, list[Span]], before: dict[Version, list[Span]], distance: float
) -> Finding:
    service, model, number = version
    a, b = (float(np.mean([_score(span) for span in side[version]])) for side in (now, before))
    sentence = (
        f"The scores of {model} {number} moved from {b:.2f} to {a:.2f} on average (distance {distance:.2f}), while the "
        "other version, asked by the same traffic, answers as it did."
    )
    spans = sorted(now[version], key=lambda span: abs(_score(span) - b), reverse=True)
    evidence = Evidence(
        {"mean": a, "mean_before": b, "distance": distance}, examples(spans), (), window.query("score_mean")
    )
    return Finding(service, "model_inference", KIND, graded(distance, 0.15, 0.5), sentence, evidence)


def _scored(period: Period) -> dict[Version, list[Span]]:
    table: dict[Version, list[Span]] = defaultdict(list)
    for span in period.spans:
        model, version = span.attributes.get(names.MODEL), span.attributes.get(names.MODEL_VERSION)
        if model and version and isinstance(span.attributes.get(names.PREDICTION), int | float):
            table[span.service, str(model), str(version)].append(span)
    return dict(table)


def _score(span: Span) -> float:
    return float(str(span.attributes[names.PREDICTION]))


def _moved(now: list[Span], before: list[Span]) -> tuple[float, float]:
    """(distance, chance) of two samples of scores; (0, 1) for small ones."""
    if min(len(now), len(before)) < _FEW:
        return 0.0, 1.0
    return kolmogorov_smirnov([_score(span) for span in now], [_score(span) for span in before])


def kolmogorov_smirnov(one: list[float], other: list[float]) -> tuple[float, float]:
    """The largest distance of two empirical distributions, and its chance under one common distribution.

    The chance is 2 exp(-2 d² nm/(n+m)), the first term of Kolmogorov's series: an upper bound for small chances.
    """
    a, b = np.sort(np.asarray(one)), np.sort(np.asarray(other))
    at = np.concatenate([a, b])
    distance = float(
        np.max(np.abs(np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)))
    )
    size = len(a) * len(b) / (len(a) + len(b))
    return distance, float(min(1.0, 2 * np.exp(-2 * distance**2 * size)))
