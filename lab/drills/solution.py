"""The way to the answer on the player's own evidence: metric, trace, critical path, log lines, cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lab.campaign.truth import Truth
from lab.clients.loki import log_query
from lab.clients.telemetry import Span
from lab.diagnosis.engine import diagnose
from lab.diagnosis.finding import Finding
from lab.diagnosis.one_trace import report, sentences
from lab.diagnosis.window import Window


def solution(window: Window, truths: Sequence[Truth], own: Sequence[Span]) -> list[str]:
    """Lines for the player; ``own`` are the spans of the trace they gave as evidence, if any."""
    found = [ranked.finding for ranked in diagnose(window).ranking]
    lines = [line for truth in truths for line in _cause(truth, matching(found, truth))]
    if not truths:
        lines = ["Nothing was wrong: whatever moved did so within its usual range, or innocently."]
    return lines + [f"In your trace: {line}" for line in (sentences(report(own)) if own else ())]


def matching(findings: Sequence[Finding], truth: Truth) -> Finding | None:
    """The engine's finding of this cause, by service and kind, else by service."""
    by_service = [each for each in findings if truth.service_is(each.service)]
    return next((each for each in by_service if truth.kind_is(each.kind)), by_service[0] if by_service else None)


def _cause(truth: Truth, finding: Finding | None) -> Iterator[str]:
    place = f"{truth.services[0]}{f', {truth.operations[0]}' if truth.operations else ''}"
    yield f"The cause: {truth.kinds[0]} in {place}."
    if finding is None:
        yield "Its signals are weak in this window; `faultline diagnose` shows what can be seen."
        return
    evidence = finding.evidence
    yield f"1. Metric. {finding.sentence}"
    if evidence.query:
        yield f"   Type: {evidence.query}"
    for trace_id in evidence.traces[:1]:
        yield f"2. Trace. An exemplar leads to {trace_id}: `faultline trace {trace_id}` draws its critical path."
        yield f"3. Logs. Type: {log_query(trace_id=trace_id)}"
    yield from (f"   It says: {line}" for line in evidence.logs)
