"""What came true: precision by segment, and labels that come late.

Concept drift is a change of the outcome for the same features (Gama et al., "A Survey on Concept Drift Adaptation",
ACM Computing Surveys 2014): precision falls where features are quiet. A late label lowers coverage and no precision.
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, ratio, two_proportion_z
from lab.diagnosis.window import Period, Window

# Many segments are looked at: a chance of one in 10 000 each leaves few false alarms.
_LEAST_Z = 4.5
_LEAST_FALL = 0.25
_FEW = 15


def find(window: Window) -> list[Finding]:
    return [*_concept(window), *_late(window)]


def _concept(window: Window) -> list[Finding]:
    """Segments whose precision fell, unless all fell alike."""
    falls = {}
    segments = sorted(window.now.by("outcomes", "segment").keys() - {""})
    for segment in segments:
        hits, said = _precision(window.now, segment)
        hits_before, said_before = _precision(window.before, segment)
        if said < _FEW or said_before < _FEW:
            continue
        fall = hits_before / said_before - hits / said
        z = -two_proportion_z(hits, said, hits_before, said_before)
        if fall >= _LEAST_FALL and z >= _LEAST_Z:
            falls[segment] = (fall, hits / said, hits_before / said_before)
    if not falls or len(falls) > max(len(segments) // 2, 1):
        return []
    worst = max(falls, key=lambda segment: falls[segment])
    fall, now, before = falls[worst]
    sentence = (
        f"Of the users of the segment {worst!r} that were predicted to convert, {now:.0%} do ({before:.0%} "
        "before); the other segments hold."
    )
    evidence = Evidence({"precision": now, "precision_before": before}, (), (), window.query("outcomes"))
    return [Finding("outcomes", worst, "concept drift", graded(fall, 0.1, 0.4), sentence, evidence)]


def _precision(period: Period, segment: str) -> tuple[float, float]:
    """(converted, predicted to convert) of a segment."""
    hits = period.total("outcomes", segment=segment, predicted="yes", actual="yes")
    return hits, period.total("outcomes", segment=segment, predicted="yes")


def _late(window: Window) -> list[Finding]:
    lag, lag_before = (max(period.by("label_lag").values(), default=0.0) for period in (window.now, window.before))
    joined, joined_before = window.rise("outcome_results", result="joined")
    fewer = 1 - joined / joined_before if joined_before >= 20 else 0.0
    predictions, predictions_before = window.rise("predictions")
    later = ratio(lag, lag_before, 3600)
    # A baseline that had hardly begun knows only the quickest labels, so a longer lag alone proves nothing: it does
    # where about as many labels came as predictions were made.
    settled = joined_before >= 20 and joined_before > 0.8 * predictions_before
    if predictions < 0.7 * predictions_before or not (fewer > 0.8 or (later > 1.8 and (fewer > 0.3 or settled))):
        return []
    sentence = (
        f"Outcomes arrive {lag / 3600:.0f} h after their prediction ({lag_before / 3600:.0f} h before), "
        f"{joined:.0f} in the "
        f"time in which {joined_before:.0f} were usual, while predictions are steady: the labels are late."
    )
    numbers = {"lag_s": lag, "lag_before_s": lag_before, "joined": joined, "joined_before": joined_before}
    evidence = Evidence(numbers, (), (), window.query("label_lag"))
    strength = max(graded(later, 1.5, 4), graded(fewer, 0.5, 0.9))
    return [Finding("outcomes", "labels", "late labels", strength, sentence, evidence)]
