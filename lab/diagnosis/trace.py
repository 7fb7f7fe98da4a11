"""One trace made ready for arithmetic: clocks aligned, exclusive times, operations by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from lab.clients.telemetry import Span
from lab.critical_path import critical_path, time_by_span
from lab.trace_tree import TraceTree, build_tree

REDIS = "redis"


def operation(span: Span) -> str:
    """What a span does, as the engine names it: ``Redis`` and ``call SERVICE`` for clients, else its own name."""
    if span.kind == "client":
        peer = str(span.attributes.get("peer.service") or "")
        if peer.startswith(REDIS):
            return "Redis"
        if peer:
            return f"call {peer}"
    return span.name


@dataclass(frozen=True)
class Trace:
    """A trace's tree, and what each span did itself."""

    tree: TraceTree
    spans: tuple[Span, ...]

    @property
    def root(self) -> Span:
        return self.tree.root

    @property
    def trace_id(self) -> str:
        return self.root.trace_id

    def children(self, span: Span) -> list[Span]:
        return self.tree.children.get(span.span_id, [])

    @cached_property
    def exclusive(self) -> dict[str, int]:
        """Nanoseconds that each span spent itself, by span id."""
        return {span.span_id: exclusive_ns(span, self.children(span)) for span in self.spans}

    @cached_property
    def path(self) -> dict[str, int]:
        """Nanoseconds of the critical path by span id."""
        return time_by_span(critical_path(self.tree))

    @cached_property
    def error_origins(self) -> tuple[Span, ...]:
        """Spans with an error whose children have none: there it started.

        Follows "root cause is the deepest failing span" of TraceRCA (Li et al., IWQoS 2021), without its statistics.
        """
        return tuple(
            span for span in self.spans
            if span.status == "error" and not any(child.status == "error" for child in self.children(span))
        )  # fmt: skip


def exclusive_ns(span: Span, children: Iterable[Span]) -> int:
    """A span's duration less the union of its children, each clipped to it, in nanoseconds.

    ("Self time" of Dapper, Sigelman et al. 2010; children that overlap count once.)
    """
    covered, reached = 0, span.start_ns
    for start, end in sorted((child.start_ns, child.end_ns) for child in children):
        first, last = max(start, reached), min(end, span.end_ns)
        if first < last:
            covered += last - first
            reached = last
    return span.end_ns - span.start_ns - covered


def aligned(spans: Iterable[Span]) -> Trace:
    """The trace with each callee's clock moved onto its caller's.

    A server span is centred in its client span: the offset estimate of NTP (RFC 5905, section 8) for a symmetric
    network, as Jaeger's clock-skew adjuster does; but always, not only where a child sticks out, so that the result
    does not depend on any clock's offset. A server that outlived its caller is aligned by its start.
    """
    tree = build_tree(spans)
    moved: list[Span] = []
    waiting = [(top, 0) for top in tree.tops]
    while waiting:
        span, offset = waiting.pop()
        here = _moved(span, offset)
        moved.append(here)
        for child in tree.children.get(span.span_id, []):
            crosses = child.service != span.service
            waiting.append((child, _offset(here, child) if crosses else offset))
    return Trace(build_tree(moved), tuple(moved))


def _offset(parent: Span, child: Span) -> int:
    slack = (parent.end_ns - parent.start_ns) - (child.end_ns - child.start_ns)
    return parent.start_ns + max(slack, 0) // 2 - child.start_ns


def _moved(span: Span, offset_ns: int) -> Span:
    if not offset_ns:
        return span
    return replace(span, start_ns=span.start_ns + offset_ns, end_ns=span.end_ns + offset_ns)
