"""A diagnosis in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from lab.diagnosis.calibration import worth
from lab.diagnosis.finding import Diagnosis, Finding, Ranked

_OTHERS = 3
_LEAST_WORTH = 0.02


def explain(diagnosis: Diagnosis) -> list[str]:
    """Lines for a person: the cause and how sure, its evidence, what else it could be, and the limits."""
    return list(_lines(diagnosis))


def counted(confidence: float) -> str:
    """What a confidence is worth, by recorded cases; without any it is an order and no probability."""
    step = worth(confidence)
    if step is None:
        return "it orders the answers and is no probability"
    return f"{step.right} of {step.cases} answers as sure were right, on recorded faults it was developed on"


def how_sure(confidence: float) -> str:
    """A share of answers that are right, in words."""
    for least, words in ((0.9, "almost certainly"), (0.7, "very likely"), (0.5, "probably"), (0.25, "perhaps")):
        if confidence >= least:
            return words
    return "possibly"


def cause(finding: Finding) -> str:
    return f"{finding.kind} in {finding.service}, {finding.operation}"


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"Looked at {diagnosis.traces} traces, beside {diagnosis.baseline_traces} of the baseline."
    if diagnosis.healthy:
        yield f"Nothing is wrong: no signal left its usual range beyond chance ({_sure(diagnosis.nothing)})."
    else:
        yield from _cause(diagnosis.ranking[0])
    others = [each for each in diagnosis.ranking[0 if diagnosis.healthy else 1 :] if not each.explained_by]
    for each in [each for each in others if each.confidence >= _LEAST_WORTH][:_OTHERS]:
        yield f"Less likely: {cause(each.finding)}. {each.finding.sentence}"
    for each in [each for each in diagnosis.ranking if each.explained_by][:_OTHERS]:
        yield f"A consequence of {each.explained_by}: {each.finding.sentence}"
    yield from (f"Note: {note}" for note in diagnosis.notes)


def _sure(confidence: float) -> str:
    return f"rank {confidence:.2f}; {counted(confidence)}"


def _cause(first: Ranked) -> Iterator[str]:
    finding, evidence = first.finding, first.finding.evidence
    step = worth(first.confidence)
    words = how_sure(step.share if step else first.confidence)
    yield f"The cause is {words} {cause(finding)} ({_sure(first.confidence)})."
    yield finding.sentence
    if evidence.traces:
        yield f"Look at the traces {', '.join(evidence.traces)}."
    yield from (f"The log says: {line}" for line in evidence.logs)
    if evidence.query:
        yield f"Query: {evidence.query}"
