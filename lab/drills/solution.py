"""The way to the answer on the player's own evidence: metric, exemplar, trace, critical path, log lines, cause."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from lab.campaign.truth import Truth
from lab.clients.loki import log_query
from lab.clients.telemetry import Span
from lab.diagnosis.engine import diagnose
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.one_trace import report, sentences
from lab.diagnosis.profile import observe
from lab.diagnosis.window import Window
from lab.drills.proof import shows
from lab.drills.signs import sign_of
from lab.drills.words import fails
from lab.faults.catalogue import ROWS

_TRIED = 60
_LINES = 3


@dataclass(frozen=True)
class Cause:
    """One cause and the way to it: what was seen, the query that shows it, traces that show it (the player's own first,
    where it does; ``how`` one finds the first), that trace's critical ``path``, and its log lines with their query."""

    kind: str
    service: str
    operation: str
    sentence: str = ""
    query: str = ""
    traces: tuple[str, ...] = ()
    log_query: str = ""
    logs: tuple[str, ...] = ()
    how: str = ""
    path: str = ""
    mechanism: str = ""

    def lines(self) -> Iterator[str]:
        """As the terminal shows it."""
        yield f"The cause: {self.kind} in {self.service}{f', {self.operation}' if self.operation else ''}."
        yield f"1. Metric. {self.sentence}"
        if self.query:
            yield f"   Type: {self.query}"
        for trace_id in self.traces[:1]:
            yield f"2. Trace. {self.how} {trace_id}: `faultline trace {trace_id}` draws it."
            if self.path:
                yield f"3. Critical path. {self.path}"
            yield f"4. Logs. Type: {self.log_query}"
        yield from (f"   It says: {line}" for line in self.logs)
        if self.mechanism:
            yield f"5. Cause. What was broken: {self.mechanism}."


@dataclass(frozen=True)
class Solution:
    """The worked solution: lines for the player, and the same by cause; without causes nothing was wrong."""

    lines: tuple[str, ...]
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class Own:
    """What the player brought: traces given as evidence, each with its spans, and the ids that exemplars point at.

    ``since_s``: when the drill began; with the window, if None.
    """

    traces: tuple[tuple[Span, ...], ...] = ()
    exemplars: Collection[str] = ()
    since_s: float | None = None


def work_out(window: Window, truths: Sequence[Truth], own: Own) -> Solution:
    """The solution in a window."""
    found = [ranked.finding for ranked in diagnose(window).ranking]
    way = Way(window, own)
    causes = tuple(way.to(truth, matching(found, truth)) for truth in truths)
    lines = [line for cause in causes for line in cause.lines()]
    if not truths:
        lines = ["Nothing was wrong: whatever moved did so within its usual range, or innocently."]
    lines += [f"In your trace: {line}" for spans in own.traces if spans for line in sentences(report(spans))]
    return Solution(tuple(lines), causes)


def matching(findings: Sequence[Finding], truth: Truth) -> Finding | None:
    """The engine's finding of this cause, by service and kind, else by service."""
    by_service = [each for each in findings if truth.service_is(each.service)]
    return next((each for each in by_service if truth.kind_is(each.kind)), by_service[0] if by_service else None)


class Way:
    """Leads to causes through one window."""

    def __init__(self, window: Window, own: Own) -> None:
        self._window, self._own = window, own
        self._usual = observe(window.before.traces)
        self._spans: Mapping[str, Sequence[Span]] = {
            **window.now.raw_traces, **{spans[0].trace_id: spans for spans in own.traces if spans}
        }  # fmt: skip

    def to(self, truth: Truth, finding: Finding | None) -> Cause:
        """The engine's own way where it found one, else the sign that the catalogue knows."""
        row, evidence = ROWS[truth.fault], finding.evidence if finding else Evidence()
        says, query = sign_of(row, truth)
        traces = self._traces(truth, evidence)
        first = traces[0] if traces else ""
        service, operation, kind = truth.cause
        return Cause(
            kind,
            service,
            operation,
            finding.sentence if finding else f"What tells it, though it is weak in this window: {says}.",
            evidence.query or query,
            traces,
            log_query(trace_id=first) if first else "",
            self._logs(first) or evidence.logs,
            self._how(first),
            self._path(first),
            row.mechanism,
        )

    def _traces(self, truth: Truth, evidence: Evidence) -> tuple[str, ...]:
        """Up to three that show it: the player's own, what exemplars point at, what the engine found, any other."""
        own = [spans[0].trace_id for spans in self._own.traces if spans]
        slowest = sorted(self._window.now.predictions, key=lambda trace: -trace.root.duration_ms)
        others = (trace.trace_id for trace in slowest[:_TRIED])
        # An exemplar leads to what is slow, seldom to what fails: there the engine's own come first.
        pointed = (evidence.traces, self._own.exemplars) if fails(truth) else (self._own.exemplars, evidence.traces)
        likely = [*own, *chain(*pointed)]
        proven = (each for each in dict.fromkeys([*likely, *others]) if self._shows(each, truth))
        return tuple(islice(proven, 3)) or evidence.traces

    def _shows(self, trace_id: str, truth: Truth) -> bool:
        spans = self._spans.get(trace_id, ())
        since_s = self._window.now.start_s if self._own.since_s is None else self._own.since_s
        return shows(spans, truth, self._usual, since_s)

    def _how(self, trace_id: str) -> str:
        if any(spans and spans[0].trace_id == trace_id for spans in self._own.traces):
            return "Your own shows it,"
        return (
            "An exemplar of prediction_duration_seconds leads to"
            if trace_id in self._own.exemplars
            else "One that shows it is"
        )

    def _path(self, trace_id: str) -> str:
        spans = self._spans.get(trace_id, ())
        return sentences(report(spans))[1] if spans else ""

    def _logs(self, trace_id: str) -> tuple[str, ...]:
        """The trace's warnings and errors, the first few."""
        of_it = (line for line in self._window.now.logs if line.trace_id == trace_id and not line.quiet and line.body)
        return tuple(map(str, islice(of_it, _LINES))) if trace_id else ()
