"""Features made by other definitions than the model was trained on.

A schema's version that changes in time with what the model says (Breck et al., "Data Validation for Machine Learning",
MLSys 2019). The change alone may be an innocent release: it counts when the predictions moved with it.
"""

from __future__ import annotations

from collections import Counter

from lab.diagnosis import names
from lab.diagnosis.detectors.model_version import kolmogorov_smirnov
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded
from lab.diagnosis.window import Period, Window


def find(window: Window) -> list[Finding]:
    now, before = _definitions(window.now), _definitions(window.before)
    if not now or not before:
        return []
    new = {key: count for key, count in now.items() if key not in before}
    share = sum(new.values()) / sum(now.values())
    moved = _predictions_moved(window)
    if share < 0.03 or not moved:
        return []
    (service, place, version), _ = Counter(new).most_common(1)[0]
    sentence = (
        f"{share:.0%} of the features of {service} are made by definitions {version}, which the baseline never "
        "served, and "
        f"the predictions moved with them (distance {moved:.2f}): the models were trained on the others."
    )
    spans = [s for s in window.now.spans if s.attributes.get(names.DEFINITIONS) == version]
    evidence = Evidence(
        {"share": share, "distance": moved}, examples(spans), (), f'{{ span.{names.DEFINITIONS} = "{version}" }}'
    )
    return [Finding(service, place, "training-serving skew", graded(moved, 0.08, 0.3), sentence, evidence)]


def _definitions(period: Period) -> Counter[tuple[str, str, str]]:
    return Counter(
        (span.service, span.name, str(span.attributes[names.DEFINITIONS]))
        for span in period.spans if names.DEFINITIONS in span.attributes
    )  # fmt: skip


def _predictions_moved(window: Window) -> float:
    """The largest distance of any model's predictions to the baseline's that chance does not explain; else 0."""
    distances = [0.0]
    for model in sorted({str(s.attributes.get(names.MODEL) or "") for s in window.now.spans} - {""}):
        now, before = (_predictions(period, model) for period in (window.now, window.before))
        if min(len(now), len(before)) >= 20:
            distance, chance = kolmogorov_smirnov(now, before)
            distances.append(distance if chance < 0.01 else 0.0)
    return max(distances)


def _predictions(period: Period, model: str) -> list[float]:
    return [
        float(value) for span in period.spans
        if span.attributes.get(names.MODEL) == model
        and isinstance(value := span.attributes.get(names.PREDICTION), int | float)
    ]  # fmt: skip
