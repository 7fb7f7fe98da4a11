"""Types of TraceQL expressions: what is known before any span is looked at."""

from telemetry_store.errors import QueryError
from telemetry_store.traceql import ast

NUMERIC = {"int", "float", "duration"}
ARITHMETIC = {"+", "-", "*", "/", "%", "^"}
ORDER = {"<", "<=", ">", ">="}
_INTRINSIC_TYPES = {
    "span:duration": "duration", "trace:duration": "duration", "event:timeSinceStart": "duration",
    "span:status": "status", "span:kind": "kind",
}  # fmt: skip


def type_of(expression: ast.Expression) -> str:
    """The type's name, "attribute" where only the data tells; raises QueryError where types clash."""
    if isinstance(expression, ast.Literal_):
        return expression.kind
    if isinstance(expression, ast.Attribute):
        return "attribute"
    if isinstance(expression, ast.Intrinsic):
        return _INTRINSIC_TYPES.get(expression.name, "string")
    return _type_of_unary(expression) if isinstance(expression, ast.Unary) else _type_of_binary(expression)


def _type_of_unary(expression: ast.Unary) -> str:
    kind = type_of(expression.operand)
    wanted = {"boolean"} if expression.op == "!" else NUMERIC
    if kind not in wanted | {"attribute"}:
        raise QueryError(f"illegal operation for the given type: {expression}")
    return kind if expression.op == "-" else "boolean"


def _type_of_binary(expression: ast.Binary) -> str:
    left, right = type_of(expression.left), type_of(expression.right)
    if not _alike(left, right):
        raise QueryError(f"binary operations must operate on the same type: {expression}")
    if not _allowed(expression, {left, right} - {"attribute", "nil"}):
        raise QueryError(f"illegal operation for the given types: {expression}")
    if expression.op == "=" and "nil" in (left, right):
        _check_can_be_missing(expression.left if right == "nil" else expression.right)
    if expression.op in {"=~", "!~"}:
        _check_pattern(expression)
    return "float" if expression.op in ARITHMETIC else "boolean"


def _alike(left: str, right: str) -> bool:
    return left == right or {left, right} <= NUMERIC or "attribute" in (left, right) or "nil" in (left, right)


def _allowed(expression: ast.Binary, kinds: set[str]) -> bool:
    """Whether the operator can be used on operands of these known types."""
    op = expression.op
    if op in {"&&", "||"}:
        return kinds <= {"boolean"}
    if any(isinstance(side, ast.Literal_) and side.kind == "nil" for side in (expression.left, expression.right)):
        return op in {"=", "!="}
    if op in {"=~", "!~"}:
        return kinds <= {"string"}
    if op in ARITHMETIC:
        return kinds <= NUMERIC
    return op not in ORDER or kinds <= NUMERIC | {"string"}


def _check_can_be_missing(field: ast.Expression) -> None:
    if isinstance(field, ast.Intrinsic):
        raise QueryError(f"{field}=nil is not valid because intrinsics cannot be nil")
    if field == ast.Attribute("resource", "service.name"):
        raise QueryError(f"{field}=nil is not valid because {field} cannot be nil")


def _check_pattern(expression: ast.Binary) -> None:
    pattern = expression.right
    if not (isinstance(pattern, ast.Literal_) and pattern.kind == "string"):
        raise QueryError(f"a regular expression has to be a string: {expression}")


def check_query(query: ast.TraceQuery) -> None:
    """Raises QueryError where a filter is no condition or an operator does not fit its operands."""
    _check_spansets(query.pipeline)
    if query.metric and query.metric.operand and type_of(query.metric.operand) not in NUMERIC | {"attribute"}:
        raise QueryError(f"{query.metric.name}() needs a number or a duration: {query.metric.operand}")


def _check_spansets(spansets: ast.Spansets | ast.Stage) -> None:
    if isinstance(spansets, ast.Filter) and spansets.condition is not None:
        _check_condition(spansets.condition)
    if isinstance(spansets, ast.Combined):
        _check_spansets(spansets.left)
        _check_spansets(spansets.right)
    if isinstance(spansets, ast.Pipeline):
        for part in (spansets.source, *spansets.stages):
            _check_spansets(part)
    if isinstance(spansets, ast.Metric):
        raise QueryError(f"{spansets.name}() has to be the last stage of a query")
    if isinstance(spansets, ast.ScalarFilter):
        _check_aggregate(spansets.aggregate)
    if isinstance(spansets, ast.GroupBy):
        _check_group(spansets.expression)


def _check_condition(condition: ast.Expression) -> None:
    if type_of(condition) not in {"boolean", "attribute"}:
        raise QueryError(f"span filter field expressions must resolve to a boolean: {condition}")


def _check_aggregate(aggregate: ast.Aggregate) -> None:
    if not aggregate.operand:
        return
    if type_of(aggregate.operand) not in NUMERIC | {"attribute"}:
        raise QueryError(f"aggregate field expressions must resolve to a number type: {aggregate}")
    if not _names_a_field(aggregate.operand):
        raise QueryError(f"aggregate field expressions must reference the span: {aggregate}")


def _check_group(key: ast.Expression) -> None:
    type_of(key)
    if not _names_a_field(key):
        raise QueryError(f"grouping field expressions must reference the span: {key}")


def _names_a_field(expression: ast.Expression) -> bool:
    if isinstance(expression, ast.Binary):
        return _names_a_field(expression.left) or _names_a_field(expression.right)
    if isinstance(expression, ast.Unary):
        return _names_a_field(expression.operand)
    return isinstance(expression, ast.Attribute | ast.Intrinsic)
