"""The way to the answer on the player's own evidence: metric, trace, critical path, log lines, cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.campaign.truth import Truth
from lab.clients.loki import log_query
from lab.clients.telemetry import Span
from lab.diagnosis.engine import diagnose
from lab.diagnosis.finding import Finding
from lab.diagnosis.one_trace import report, sentences
from lab.diagnosis.window import Window


@dataclass(frozen=True)
class Cause:
    """One cause and where it shows: what was seen, the query that shows it, traces, and the log query of the first."""

    kind: str
    service: str
    operation: str
    sentence: str = ""
    query: str = ""
    traces: tuple[str, ...] = ()
    log_query: str = ""
    logs: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """As the terminal shows it."""
        yield f"The cause: {self.kind} in {self.service}{f', {self.operation}' if self.operation else ''}."
        if not self.sentence:
            yield "Its signals are weak in this window; `faultline diagnose` shows what can be seen."
            return
        yield f"1. Metric. {self.sentence}"
        if self.query:
            yield f"   Type: {self.query}"
        for trace_id in self.traces[:1]:
            yield f"2. Trace. An exemplar leads to {trace_id}: `faultline trace {trace_id}` draws its critical path."
            yield f"3. Logs. Type: {self.log_query}"
        yield from (f"   It says: {line}" for line in self.logs)


@dataclass(frozen=True)
class Solution:
    """The worked solution: lines for the player, and the same by cause; without causes nothing was wrong."""

    lines: tuple[str, ...]
    causes: tuple[Cause, ...]


def work_out(window: Window, truths: Sequence[Truth], own: Sequence[Span]) -> Solution:
    """The solution in a window; ``own`` are the spans of the trace that the player gave as evidence, if any."""
    found = [ranked.finding for ranked in diagnose(window).ranking]
    causes = tuple(_cause(truth, matching(found, truth)) for truth in truths)
    lines = [line for cause in causes for line in cause.lines()]
    if not truths:
        lines = ["Nothing was wrong: whatever moved did so within its usual range, or innocently."]
    lines += [f"In your trace: {line}" for line in (sentences(report(own)) if own else ())]
    return Solution(tuple(lines), causes)


def solution(window: Window, truths: Sequence[Truth], own: Sequence[Span]) -> list[str]:
    """Its lines alone."""
    return list(work_out(window, truths, own).lines)


def matching(findings: Sequence[Finding], truth: Truth) -> Finding | None:
    """The engine's finding of this cause, by service and kind, else by service."""
    by_service = [each for each in findings if truth.service_is(each.service)]
    return next((each for each in by_service if truth.kind_is(each.kind)), by_service[0] if by_service else None)


def _cause(truth: Truth, finding: Finding | None) -> Cause:
    place = (truth.kinds[0], truth.services[0], truth.operations[0] if truth.operations else "")
    if finding is None:
        return Cause(*place)
    evidence = finding.evidence
    logs = log_query(trace_id=evidence.traces[0]) if evidence.traces else ""
    return Cause(*place, finding.sentence, evidence.query, evidence.traces, logs, evidence.logs)
