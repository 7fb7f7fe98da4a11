"""One trace taken apart: where its time went, where an error starts, what is missing or out of place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lab.clients.telemetry import Span
from lab.diagnosis.detectors.parallelism import overlap
from lab.diagnosis.trace import Trace, aligned, operation
from lab.trace_tree import build_tree

_WAITS = ("batch_wait",)
_SKEW_NS = 5_000_000
_MANY = 5


@dataclass(frozen=True)
class Step:
    """An operation's part of the critical path, in milliseconds; ``waiting`` where it did no work meanwhile."""

    service: str
    operation: str
    path_ms: float
    exclusive_ms: float
    waiting: bool


@dataclass(frozen=True)
class TraceReport:
    """What one trace tells; ``remarks`` are sentences."""

    trace_id: str
    duration_ms: float
    steps: tuple[Step, ...]
    remarks: tuple[str, ...]

    @property
    def queueing_ms(self) -> float:
        """Time of the path in which the request waited its turn."""
        return sum(step.path_ms for step in self.steps if step.waiting)


def report(spans: Iterable[Span]) -> TraceReport:
    """Take a trace apart. Raises ValueError without any span."""
    raw = list(spans)
    trace = aligned(raw)
    remarks = [*_errors(trace), *_missing(trace), *_skewed(raw), *_repeated(trace), *_in_a_row(trace)]
    return TraceReport(trace.trace_id, trace.root.duration_ms, tuple(_steps(trace)), tuple(remarks))


def sentences(told: TraceReport) -> list[str]:
    """The report as lines for a person."""
    head = f"Trace {told.trace_id} took {told.duration_ms:.1f} ms, {told.queueing_ms:.1f} ms of it waiting its turn."
    steps = [
        f"{step.path_ms:.1f} ms ({step.path_ms / max(told.duration_ms, 1e-9):.0%}) in {step.operation} of "
        f"{step.service}" + (", waiting" if step.waiting else "")
        for step in told.steps[:6]
    ]
    return [head, "The caller waited for: " + "; ".join(steps) + ".", *told.remarks]


def _steps(trace: Trace) -> Iterator[Step]:
    path: Counter[tuple[str, str]] = Counter()
    own: Counter[tuple[str, str]] = Counter()
    for span in trace.spans:
        key = (span.service, operation(span))
        path[key] += trace.path.get(span.span_id, 0)
        own[key] += trace.exclusive[span.span_id]
    for (service, name), on_path in path.most_common():
        if on_path:
            yield Step(service, name, on_path / 1e6, own[service, name] / 1e6, name in _WAITS)


def _errors(trace: Trace) -> Iterator[str]:
    for span in trace.error_origins:
        said = f": {span.status_message}" if span.status_message else ""
        yield f"An error starts in {operation(span)} of {span.service}{said}."


def _missing(trace: Trace) -> Iterator[str]:
    """Spans without their parents, calls without their answers."""
    for service, count in Counter(span.service for span in trace.tree.tops if span.parent_id).items():
        yield f"{count} spans of {service} name a parent that is not in the trace: spans were lost."
    if not trace.root.parent_id and trace.root.kind == "server" and trace.root.service != "gateway":
        yield f"The trace begins in {trace.root.service}, which has callers: its context was lost on the way."
    for span in trace.spans:
        name = operation(span)
        if name.startswith("call ") and span.status != "error" and not trace.children(span):
            yield f"The {name} of {span.service} succeeded, but the trace holds no span of the callee."


def _skewed(spans: list[Span]) -> Iterator[str]:
    tree = build_tree(spans)
    outside = Counter(
        child.service
        for span in spans
        for child in tree.children.get(span.span_id, [])
        if child.service != span.service
        and (child.start_ns < span.start_ns - _SKEW_NS or child.end_ns > span.end_ns + _SKEW_NS)
    )
    for service in outside:
        yield f"Spans of {service} lie outside their parents: a clock is wrong, or they outlived their caller."


def _repeated(trace: Trace) -> Iterator[str]:
    for (service, name), count in Counter((span.service, operation(span)) for span in trace.spans).items():
        if name.startswith("call ") and count > 1:
            yield f"{service} made {count} attempts to {name}."
        elif name == "Redis" and count >= _MANY:
            yield f"{service} made {count} round trips to Redis."


def _in_a_row(trace: Trace) -> Iterator[str]:
    for span in trace.spans:
        calls = [child for child in trace.children(span) if operation(child).startswith("call ")]
        if len({operation(call) for call in calls}) >= 2 and overlap(calls) < 0.02:
            yield f"The calls under {span.name} of {span.service} ran one after another."
