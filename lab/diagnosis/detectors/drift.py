"""Features that are not what they were: did the world change, or the way features are made?

PSI by feature over the bins that the feature store counts. A step in one feature far beyond what users do, while the
rest is quiet, is a change of the pipeline (Breck et al., "Data Validation for Machine Learning", MLSys 2019:
training-serving skew); several behaviour features moving together is the traffic.
"""

from __future__ import annotations

from collections import defaultdict

from lab.diagnosis import names
from lab.diagnosis.detectors import model_version
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import expected_psi, graded, population_stability
from lab.diagnosis.window import Window

_ALERT = 0.25
_STEP = 2.0
_SEVERAL = 2
_CHANCE = 1e-3
_LEAST_DISTANCE = 0.2


def find(window: Window) -> list[Finding]:
    return [*_features(window), *_scores(window)]


def _features(window: Window) -> list[Finding]:
    """One feature that stepped, or several that moved; one that moved a little is a short window's noise."""
    moved = _moved(window)
    steps = {name: psi for name, psi in moved.items() if psi >= _STEP}
    if steps and len(moved) <= 2:
        return [_finding(window, "feature_store", "feature_lookup", "training-serving skew", steps)]
    return [_finding(window, "traffic", "features", "data drift", moved)] if len(moved) >= _SEVERAL else []


def _scores(window: Window) -> list[Finding]:
    """Every version of a model moved alike: it is what they were asked, such as photos from another camera."""
    by_model: dict[tuple[str, str], list[float]] = defaultdict(list)
    for version, (distance, chance) in model_version.movements(window).items():
        by_model[version[:2]].append(distance if chance < _CHANCE else 0.0)
    found = []
    for (service, model), distances in sorted(by_model.items()):
        least = min(distances)
        if len(distances) < 2 or least < _LEAST_DISTANCE:
            continue
        sentence = (
            f"The scores of every version of {model} moved alike (distance {least:.2f} at least): its inputs changed."
        )
        evidence = Evidence({"distance": least}, (), (), window.query("score_mean"))
        strength = graded(least, 0.15, 0.5)
        found.append(Finding("traffic", f"inputs of {service}", "data drift", strength, sentence, evidence))
    return found


def _finding(window: Window, service: str, operation: str, kind: str, moved: dict[str, float]) -> Finding:
    largest = sorted(moved, key=lambda name: -moved[name])
    listed = ", ".join(f"{name} (PSI {moved[name]:.2f})" for name in largest[:4])
    what = "the values are of another scale than before" if kind != "data drift" else "what users bring has changed"
    sentence = f"The distribution of {listed} moved beyond chance: {what}."
    evidence = Evidence({f"psi_{name}": moved[name] for name in largest[:4]}, (), (), window.query("feature_values"))
    return Finding(service, operation, kind, graded(moved[largest[0]], 0.2, 0.8), sentence, evidence)


def _moved(window: Window) -> dict[str, float]:
    """PSI of the features beyond the alert's threshold and beyond chance."""
    found = {}
    for feature in sorted(window.now.by("feature_values", "feature").keys() - names.ANSWERS):
        now, before = (period.by("feature_values", "bin", feature=feature) for period in (window.now, window.before))
        psi = population_stability(now, before)
        if psi > max(
            _ALERT, 4 * expected_psi(sum(now.values()), sum(before.values()), len(now.keys() | before.keys()))
        ):
            found[feature] = psi
    return found
