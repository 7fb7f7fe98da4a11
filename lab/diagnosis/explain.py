"""A diagnosis in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from lab.diagnosis.finding import Diagnosis, Finding, Ranked

_OTHERS = 3
_LEAST_WORTH = 0.02


def explain(diagnosis: Diagnosis) -> list[str]:
    """Lines for a person: the cause and how sure, its evidence, what else it could be, and the limits."""
    return list(_lines(diagnosis))


def how_sure(confidence: float) -> str:
    """A probability in words."""
    for least, words in ((0.9, "almost certainly"), (0.7, "very likely"), (0.5, "probably"), (0.25, "perhaps")):
        if confidence >= least:
            return words
    return "possibly"


def cause(finding: Finding) -> str:
    return f"{finding.kind} in {finding.service}, {finding.operation}"


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"Looked at {diagnosis.traces} traces, beside {diagnosis.baseline_traces} of the baseline."
    if diagnosis.healthy:
        yield f"Nothing is wrong ({diagnosis.nothing:.0%}): no signal left its usual range beyond chance."
    else:
        yield from _cause(diagnosis.ranking[0])
    others = [each for each in diagnosis.ranking[0 if diagnosis.healthy else 1 :] if not each.explained_by]
    for each in [each for each in others if each.confidence >= _LEAST_WORTH][:_OTHERS]:
        yield f"Less likely ({each.confidence:.0%}): {cause(each.finding)}. {each.finding.sentence}"
    for each in [each for each in diagnosis.ranking if each.explained_by][:_OTHERS]:
        yield f"A consequence of {each.explained_by}: {each.finding.sentence}"
    yield from (f"Note: {note}" for note in diagnosis.notes)


def _cause(first: Ranked) -> Iterator[str]:
    finding, evidence = first.finding, first.finding.evidence
    yield f"The cause is {how_sure(first.confidence)} ({first.confidence:.0%}) {cause(finding)}."
    yield finding.sentence
    if evidence.traces:
        yield f"Look at the traces {', '.join(evidence.traces)}."
    yield from (f"The log says: {line}" for line in evidence.logs)
    if evidence.query:
        yield f"Query: {evidence.query}"
