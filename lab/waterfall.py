"""A trace as a waterfall of text: service, operation, bar, duration, error mark, critical path.

Pure functions from spans to lines; ``lab.cli`` gives them colour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lab.clients.telemetry import Span
from lab.critical_path import Segment, critical_path
from lab.trace_tree import Row, build_tree

OFF, SPAN, PATH = 0, 1, 2
_LEAST_WIDTH = 60
_LONGEST_INDENT = 24
_DURATION_WIDTH = 9


@dataclass(frozen=True)
class Line:
    """One span's line. ``bar`` holds a cell (OFF, SPAN or PATH) for each column; text is cut to its column's width."""

    span: Span
    service: str
    operation: str
    bar: tuple[int, ...]
    duration: str
    on_path: bool
    error: bool
    orphan: bool


@dataclass(frozen=True)
class Waterfall:
    """A whole trace, ready to print in ``width`` columns; ``service_width`` and the others add up to it."""

    trace_id: str
    root: Span
    lines: tuple[Line, ...]
    path: tuple[Segment, ...]
    orphans: int
    roots: int
    service_width: int
    operation_width: int
    bar_width: int

    @property
    def duration_ms(self) -> float:
        """From the first start to the last end, spans that outlive the root included."""
        return (max(line.span.end_ns for line in self.lines) - min(line.span.start_ns for line in self.lines)) / 1e6

    @property
    def services(self) -> list[str]:
        return sorted({line.span.service for line in self.lines})

    @property
    def errors(self) -> int:
        return sum(line.error for line in self.lines)


def waterfall(spans: Iterable[Span], width: int) -> Waterfall:
    """Lay a trace out in ``width`` columns (at least 60). Raises ValueError without any span."""
    tree = build_tree(spans)
    rows = list(tree.rows())
    path = critical_path(tree)
    service_width, operation_width, bar_width = column_widths(rows, max(width, _LEAST_WIDTH))
    begin = min(row.span.start_ns for row in rows)
    end = max(row.span.end_ns for row in rows)
    scale = _Scale(begin, max(end - begin, 1), bar_width)
    on_path = _segments_by_span(path)
    lines = [_line(row, scale, on_path[row.span.span_id], service_width, operation_width) for row in rows]
    orphans = len(tree.orphans)
    return Waterfall(
        tree.root.trace_id,
        tree.root,
        tuple(lines),
        tuple(path),
        orphans,
        len(tree.tops) - orphans,
        service_width,
        operation_width,
        bar_width,
    )


def column_widths(rows: list[Row], width: int) -> tuple[int, int, int]:
    """Columns for service, operation and bar: names as wide as they need up to a share, the bar what is left."""
    service = min(max(len(row.span.service) for row in rows), max(8, width // 6))
    operation = min(max(_indent(row.depth) + len(row.span.name) for row in rows), width * 2 // 5)
    # Two spaces between columns, and a mark of two columns before the duration.
    bar = width - service - operation - _DURATION_WIDTH - 8
    return service, operation, bar


def bar_cells(start: int, end: int, width: int) -> range:
    """Columns from ``start`` to ``end``, at least one, within ``width``."""
    first = min(start, width - 1)
    return range(first, min(max(end, first + 1), width))


def duration_text(nanoseconds: int) -> str:
    """A duration in the unit that people read: 87 µs, 3.2 ms, 1.25 s."""
    if nanoseconds < 1_000_000:
        return f"{nanoseconds / 1e3:.0f} µs"
    if nanoseconds < 1_000_000_000:
        return f"{nanoseconds / 1e6:.1f} ms"
    return f"{nanoseconds / 1e9:.2f} s"


@dataclass(frozen=True)
class _Scale:
    begin_ns: int
    total_ns: int
    width: int

    def cells(self, start_ns: int, end_ns: int) -> range:
        first = (start_ns - self.begin_ns) * self.width // self.total_ns
        last = -((self.begin_ns - end_ns) * self.width // self.total_ns)
        return bar_cells(first, last, self.width)


def _line(row: Row, scale: _Scale, path: list[Segment], service_width: int, operation_width: int) -> Line:
    span = row.span
    cells = [OFF] * scale.width
    for cell in scale.cells(span.start_ns, span.end_ns):
        cells[cell] = SPAN
    for segment in path:
        for cell in scale.cells(segment.start_ns, segment.end_ns):
            cells[cell] = PATH
    return Line(
        span,
        _cut(span.service, service_width),
        _cut(" " * _indent(row.depth) + span.name, operation_width),
        tuple(cells),
        duration_text(span.end_ns - span.start_ns),
        bool(path),
        span.status == "error",
        row.orphan,
    )


def _segments_by_span(path: list[Segment]) -> dict[str, list[Segment]]:
    table: dict[str, list[Segment]] = defaultdict(list)
    for segment in path:
        table[segment.span.span_id].append(segment)
    return table


def _indent(depth: int) -> int:
    """Deep traces stop moving right, or no name would be left to read."""
    return min(depth * 2, _LONGEST_INDENT) if depth <= _LONGEST_INDENT else _LONGEST_INDENT


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
