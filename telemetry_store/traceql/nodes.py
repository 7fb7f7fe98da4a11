"""Spans of one trace in memory, and the relations between them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

NO_ROOT = "<root span not yet received>"


@dataclass(slots=True, eq=False)
class Node:
    """One span: which of the query's conditions it meets and the fields the query names."""

    meets: tuple[bool, ...]
    values: tuple[Any, ...]
    span_id: int
    parent_id: int
    start: int
    duration: int
    name: str
    status: int
    service: str
    kind: int


class Trace:
    """A trace's spans, each once."""

    def __init__(self, trace_id: str, nodes: list[Node]) -> None:
        self.trace_id = trace_id
        self.nodes = sorted(nodes, key=lambda node: (node.start, node.span_id))

    @cached_property
    def by_id(self) -> dict[int, Node]:
        """Spans by id."""
        return {node.span_id: node for node in self.nodes}

    @cached_property
    def start(self) -> int:
        """Nanoseconds since the epoch at which the first span starts."""
        return min(node.start for node in self.nodes)

    @cached_property
    def duration(self) -> int:
        """Nanoseconds from the first start to the last end."""
        return max(node.start + node.duration for node in self.nodes) - self.start

    @cached_property
    def root(self) -> Node | None:
        """The span without a parent, the earliest where several have none."""
        return min((node for node in self.nodes if not node.parent_id), key=lambda node: node.start, default=None)

    def parent(self, node: Node) -> Node | None:
        """The span's parent where it has arrived."""
        return self.by_id.get(node.parent_id) if node.parent_id else None

    def ancestors(self, node: Node) -> list[Node]:
        """Parent, its parent and so on; a cycle in broken data ends the walk."""
        found: list[Node] = []
        seen = {node.span_id}
        step = self.parent(node)
        while step is not None and step.span_id not in seen:
            seen.add(step.span_id)
            found.append(step)
            step = self.parent(step)
        return found
