"""The critical path of a trace: which span's own work the caller was waiting for at each moment.

Definition (Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice Architectures", USENIX ATC 2022,
section 3; Jaeger's UI computes the same). Walk backwards from the root's end. At a time ``t`` within span ``P``, the
path goes to the child of ``P`` that finished last at or before ``t``; the time between that child's end and ``t`` is
``P``'s own. Within the child the walk repeats, and when it arrives at the child's start it goes on in ``P`` from there.
Where no child finished before ``t``, the rest back to ``P``'s start is ``P``'s own.

Two consequences. Of children that overlap in time only those on the chain count: a sibling that still ran when the
chosen child started cannot have been what that child waited for. And a child is clipped to its parent: what an
asynchronous child does after its parent's end held nobody up, and clocks of two hosts may disagree.

The segments cover the root's time exactly, without gap or overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.clients.telemetry import Span
from lab.trace_tree import TraceTree


@dataclass(frozen=True)
class Segment:
    """A stretch of time (Unix ns) that the path spends in one span itself."""

    span: Span
    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass
class _Frame:
    """A span that the backward walk is in: clipped start, the time it has come back to, children left to look at."""

    span: Span
    start_ns: int
    at_ns: int
    children: Iterator[tuple[int, int, Span]]


def critical_path(tree: TraceTree) -> list[Segment]:
    """Segments of the tree's root, by time. Linear in spans, up to sorting; depth is not limited by recursion."""
    root = tree.root
    segments: list[Segment] = []
    frames = [_frame(tree, root, root.start_ns, root.end_ns)]
    while frames:
        frame = frames[-1]
        found = _last_finished(frame)
        if found is None:
            _append(segments, frame.span, frame.start_ns, frame.at_ns)
            frames.pop()
            continue
        start_ns, end_ns, child = found
        _append(segments, frame.span, end_ns, frame.at_ns)
        frame.at_ns = start_ns
        frames.append(_frame(tree, child, start_ns, end_ns))
    segments.reverse()
    return segments


def time_by_span(segments: list[Segment]) -> dict[str, int]:
    """Nanoseconds on the path by span id."""
    total: dict[str, int] = {}
    for segment in segments:
        total[segment.span.span_id] = total.get(segment.span.span_id, 0) + segment.duration_ns
    return total


def time_by_service(segments: list[Segment]) -> dict[str, int]:
    """Nanoseconds on the path by service, the largest first."""
    total: dict[str, int] = {}
    for segment in segments:
        total[segment.span.service] = total.get(segment.span.service, 0) + segment.duration_ns
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def _frame(tree: TraceTree, span: Span, start_ns: int, end_ns: int) -> _Frame:
    clipped = (
        (max(child.start_ns, start_ns), min(child.end_ns, end_ns), child)
        for child in tree.children.get(span.span_id, [])
    )
    within = [each for each in clipped if each[0] < each[1]]
    # The last finished first; of those that end together the longest; the id, so that no order of arrival decides.
    within.sort(key=lambda each: (-each[1], each[0], each[2].span_id))
    return _Frame(span, start_ns, end_ns, iter(within))


def _last_finished(frame: _Frame) -> tuple[int, int, Span] | None:
    """The next child that ended at or before the time the walk has come back to; later ones are off the path."""
    return next((each for each in frame.children if each[1] <= frame.at_ns), None)


def _append(segments: list[Segment], span: Span, start_ns: int, end_ns: int) -> None:
    if start_ns < end_ns:
        segments.append(Segment(span, start_ns, end_ns))
