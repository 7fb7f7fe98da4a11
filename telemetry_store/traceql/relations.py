"""Structural operators: which spans of the right side stand so to one of the left.

`>>` and `<<` go up from each span once, with a memory of where the walk has been, so that a chain of 10 000
spans takes 10 000 steps.
"""

from collections.abc import Callable

from telemetry_store.traceql.nodes import Node, Trace

Nodes = list[Node]
Relation = Callable[[Trace, Nodes, Nodes], Nodes]


def _children(trace: Trace, left: Nodes, right: Nodes) -> Nodes:
    parents = {node.span_id for node in left}
    return [node for node in right if node.parent_id in parents and trace.parent(node) is not node]


def _parents(trace: Trace, left: Nodes, right: Nodes) -> Nodes:
    wanted = {node.parent_id for node in left if node.parent_id and node.parent_id != node.span_id}
    return [node for node in right if node.span_id in wanted]


def _siblings(_trace: Trace, left: Nodes, right: Nodes) -> Nodes:
    families: dict[int, set[int]] = {}
    for node in left:
        families.setdefault(node.parent_id, set()).add(node.span_id)
    families.pop(0, None)
    return [node for node in right if families.get(node.parent_id, set()) - {node.span_id}]


def _descendants(trace: Trace, left: Nodes, right: Nodes) -> Nodes:
    tops = {node.span_id for node in left}
    below: dict[int, bool] = {}
    return [node for node in right if _is_below(trace, node, tops, below)]


def _is_below(trace: Trace, node: Node, tops: set[int], known: dict[int, bool]) -> bool:
    """Whether one of `tops` is above `node`; `known` learns the answer for every span on the way."""
    path: dict[int, None] = {}
    step: Node | None = node
    answer = False
    while step is not None and step.span_id not in path:
        if step.span_id in known:
            answer = known[step.span_id]
            break
        path[step.span_id] = None
        if step.parent_id in tops and step.parent_id in trace.by_id:
            answer = True
            break
        step = trace.parent(step)
    known.update(dict.fromkeys(path, answer))
    return answer


def _ancestors(trace: Trace, left: Nodes, right: Nodes) -> Nodes:
    above: set[int] = set()
    for node in left:
        step = trace.parent(node)
        while step is not None and step.span_id not in above:
            above.add(step.span_id)
            step = trace.parent(step)
    return [node for node in right if node.span_id in above]


_RELATIONS: dict[str, Relation] = {
    ">": _children, "<": _parents, ">>": _descendants, "<<": _ancestors, "~": _siblings,
}  # fmt: skip
_INVERSE = {">": "<", "<": ">", ">>": "<<", "<<": ">>", "~": "~"}


def related(op: str, trace: Trace, left: Nodes, right: Nodes) -> Nodes:
    """The spans that `left op right` keeps: of the right side; with `&` before, of both; with `!`, the others."""
    base = op.lstrip("!&")
    found = _RELATIONS[base](trace, left, right)
    if op.startswith("!"):
        excluded = set(found)
        return [node for node in right if node not in excluded]
    if op.startswith("&"):
        return union(_RELATIONS[_INVERSE[base]](trace, right, left), found)
    return found


def union(first: Nodes, second: Nodes) -> Nodes:
    """Both, each span once."""
    return list(dict.fromkeys([*first, *second]))
