"""Features that are not what they were: did the world change, or the way features are made?

PSI by feature over the bins that the feature store counts. A step in one feature far beyond what users do, while the
rest is quiet, is a change of the pipeline (Breck et al., "Data Validation for Machine Learning", MLSys 2019:
training-serving skew); several behaviour features moving together is the traffic.
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import expected_psi, graded, population_stability
from lab.diagnosis.window import Window

_ALERT = 0.25
_STEP = 2.0


def find(window: Window) -> list[Finding]:
    moved = _moved(window)
    if not moved:
        return []
    steps = {name: psi for name, psi in moved.items() if psi >= _STEP}
    if steps and len(moved) <= 2:
        return [_finding(window, "feature_store", "feature_lookup", "training-serving skew", steps)]
    return [_finding(window, "traffic", "features", "data drift", moved)]


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
    for feature in sorted(window.now.by("feature_values", "feature")):
        now, before = (period.by("feature_values", "bin", feature=feature) for period in (window.now, window.before))
        psi = population_stability(now, before)
        if psi > max(
            _ALERT, 4 * expected_psi(sum(now.values()), sum(before.values()), len(now.keys() | before.keys()))
        ):
            found[feature] = psi
    return found
