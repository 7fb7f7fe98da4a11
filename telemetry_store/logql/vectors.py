"""Series at one moment, and what aggregations and operators make of them."""

import math
import operator
from collections.abc import Callable

from telemetry_store.errors import QueryError
from telemetry_store.logql import ast

Labels = tuple[tuple[str, str], ...]  # sorted by name
Vector = dict[Labels, float]

_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum, "min": min, "max": max, "count": len, "avg": lambda values: math.fsum(values) / len(values),
}  # fmt: skip


def _divide(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
    return left / right


def _power(left: float, right: float) -> float:
    try:
        found = left**right
    except OverflowError:
        return math.inf
    except ZeroDivisionError:
        return math.inf
    return math.nan if isinstance(found, complex) else float(found)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _divide, "^": _power,
    "%": lambda left, right: math.fmod(left, right) if right and math.isfinite(left) else math.nan,
}  # fmt: skip
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def group_labels(labels: Labels, grouping: str | None, names: tuple[str, ...]) -> Labels:
    """The labels a series keeps in its group."""
    if grouping is None:
        return ()
    return tuple(pair for pair in labels if (pair[0] in names) == (grouping == "by"))


def aggregate(what: ast.VectorAggregation, vector: Vector) -> Vector:
    """The aggregation's groups and their values; topk and bottomk keep whole series."""
    groups: dict[Labels, list[tuple[Labels, float]]] = {}
    for labels, value in vector.items():
        groups.setdefault(group_labels(labels, what.grouping, what.labels), []).append((labels, value))
    if what.name in {"topk", "bottomk"}:
        return {labels: value for members in groups.values() for labels, value in _best(what, members)}
    return {labels: float(_REDUCE[what.name]([value for _, value in members])) for labels, members in groups.items()}


def _best(what: ast.VectorAggregation, members: list[tuple[Labels, float]]) -> list[tuple[Labels, float]]:
    sign = -1 if what.name == "topk" else 1
    return sorted(members, key=lambda member: (sign * member[1], member[0]))[: what.count]


def combine(what: ast.Binary, left: Vector | float, right: Vector | float) -> Vector | float:
    """Both sides joined: numbers with numbers, series with numbers, series with the series of the same labels."""
    if what.op in {"and", "or", "unless"}:
        return _set_operation(what.op, left, right)
    if isinstance(left, float) and isinstance(right, float):
        return _scalar(what.op, left, right)
    if isinstance(left, float) and isinstance(right, dict):
        return _each(what, {labels: (left, value, value) for labels, value in right.items()})
    if isinstance(left, dict) and isinstance(right, float):
        return _each(what, {labels: (value, right, value) for labels, value in left.items()})
    assert isinstance(left, dict)
    assert isinstance(right, dict)
    return _each(what, {labels: (left[labels], right[labels], left[labels]) for labels in left if labels in right})


def _scalar(op: str, left: float, right: float) -> float:
    return float(_COMPARE[op](left, right)) if op in _COMPARE else _ARITHMETIC[op](left, right)


def _each(what: ast.Binary, pairs: dict[Labels, tuple[float, float, float]]) -> Vector:
    """Operate on (left, right, value a comparison keeps) of each series."""
    if what.op in _ARITHMETIC:
        return {labels: _ARITHMETIC[what.op](left, right) for labels, (left, right, _) in pairs.items()}
    holds = _COMPARE[what.op]
    if what.is_bool:
        return {labels: float(holds(left, right)) for labels, (left, right, _) in pairs.items()}
    return {labels: kept for labels, (left, right, kept) in pairs.items() if holds(left, right)}


def _set_operation(op: str, left: Vector | float, right: Vector | float) -> Vector:
    if isinstance(left, float) or isinstance(right, float):
        raise QueryError(f"parse error : unexpected literal for {op}: both sides have to be vectors")
    if op == "or":
        return left | {labels: value for labels, value in right.items() if labels not in left}
    return {labels: value for labels, value in left.items() if (labels in right) == (op == "and")}
