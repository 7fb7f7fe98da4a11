"""A trace's spans as a tree, whatever is missing or wrong in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lab.clients.telemetry import Span


@dataclass(frozen=True)
class Row:
    """A span at its place in the tree, depth first. ``orphan``: it names a parent that is not in the trace."""

    span: Span
    depth: int
    orphan: bool


@dataclass(frozen=True)
class TraceTree:
    """Spans by parent; each span id once. ``tops`` are the roots, then the orphans, by start time."""

    tops: tuple[Span, ...]
    children: dict[str, list[Span]]
    orphans: frozenset[str]

    @property
    def root(self) -> Span:
        """The span that stands for the trace: the first root, or the first orphan where no root arrived."""
        return self.tops[0]

    def rows(self) -> Iterator[Row]:
        """Depth first, children by start time."""
        stack = [(span, 0) for span in reversed(self.tops)]
        while stack:
            span, depth = stack.pop()
            yield Row(span, depth, span.span_id in self.orphans)
            stack.extend((child, depth + 1) for child in reversed(self.children.get(span.span_id, [])))


def build_tree(spans: Iterable[Span]) -> TraceTree:
    """Arrange the spans. Raises ValueError without any.

    A span whose ancestors form a circle is taken as an orphan, so that every span shows.
    """
    known = {span.span_id: span for span in spans}
    if not known:
        raise ValueError("a tree needs at least one span")
    children: dict[str, list[Span]] = defaultdict(list)
    roots, orphans = [], []
    for span in sorted(known.values(), key=lambda each: (each.start_ns, -each.end_ns)):
        if not span.parent_id:
            roots.append(span)
        elif span.parent_id not in known:
            orphans.append(span)
        else:
            children[span.parent_id].append(span)
    orphans += _break_circles(known, children, roots + orphans)
    return TraceTree(tuple(roots + orphans), dict(children), frozenset(span.span_id for span in orphans))


def _break_circles(known: dict[str, Span], children: dict[str, list[Span]], tops: list[Span]) -> list[Span]:
    """Cut each circle at its earliest span and return those spans."""
    reached: set[str] = set()
    _reach(tops, children, reached)
    cut = []
    for span in sorted(known.values(), key=lambda each: each.start_ns):
        if span.span_id not in reached:
            children[span.parent_id].remove(span)
            _reach([span], children, reached)
            cut.append(span)
    return cut


def _reach(tops: list[Span], children: dict[str, list[Span]], reached: set[str]) -> None:
    stack = list(tops)
    while stack:
        span = stack.pop()
        if span.span_id not in reached:
            reached.add(span.span_id)
            stack.extend(children.get(span.span_id, []))
