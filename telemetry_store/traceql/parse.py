"""TraceQL text to its AST, and what is wrong with it in Tempo's words."""

import re
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from telemetry_store.bounds import check_size
from telemetry_store.durations import duration_ns
from telemetry_store.errors import QueryError, at
from telemetry_store.traceql import ast
from telemetry_store.traceql.check import check_query

MOST_DIGITS = 100  # of a whole number: Python refuses to read thousands
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_SCOPED = {
    "duration": "span:duration", "name": "span:name", "kind": "span:kind", "status": "span:status",
    "statusMessage": "span:statusMessage", "traceDuration": "trace:duration", "rootName": "trace:rootName",
    "rootServiceName": "trace:rootService",
}  # fmt: skip
_SHORT = {scoped: short for short, scoped in _SCOPED.items()}  # as Tempo's answers name them
_NOT_KEPT = {"span:childCount", "childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent"}
_METRICS_WITHOUT_FIELD = {"rate", "count_over_time"}
_METRICS_REFUSED = {"compare", "topk", "bottomk", "histogram_over_time"}


def parse(text: str) -> ast.TraceQuery:
    """The query as data; raises QueryError with line, column and reason."""
    try:
        return _parse(text)
    except QueryError as error:
        raise QueryError(f"invalid TraceQL query: {error}") from error


def _parse(text: str) -> ast.TraceQuery:
    check_size(text)
    try:
        query = _Build(text).transform(_parser().parse(text))
    except VisitError as error:
        if isinstance(error.orig_exc, QueryError):
            raise error.orig_exc from error
        raise
    except UnexpectedInput as error:
        raise QueryError(_describe(error, text)) from error
    check_query(query)
    return query


@cache
def _parser() -> Lark:
    return Lark(Path(__file__).with_name("grammar.lark").read_text(), parser="lalr", propagate_positions=True)


def _describe(error: UnexpectedInput, text: str) -> str:
    line, column = error.line, error.column
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        lines = text.split("\n")
        return at(len(lines), len(lines[-1]) + 1, "syntax error: unexpected $end")
    found = str(error.token) if isinstance(error, UnexpectedToken) else text[error.pos_in_stream or 0]
    return at(line, column, f"syntax error: unexpected {found}")


def _refuse(token: Token, reason: str) -> NoReturn:
    raise QueryError(at(token.line or 1, token.column or 1, reason))


def _has_stages(part: ast.Spansets) -> bool:
    """Whether it is a pipeline in brackets, or such pipelines joined."""
    if isinstance(part, ast.Combined):
        return _has_stages(part.left) or _has_stages(part.right)
    return isinstance(part, ast.Pipeline) and (bool(part.stages) or _has_stages(part.source))


def _is_bare(part: ast.Spansets) -> bool:
    """Whether there is a filter in it without brackets of its own."""
    if isinstance(part, ast.Combined):
        return _is_bare(part.left) or _is_bare(part.right)
    return isinstance(part, ast.Filter)


def _plain(part: ast.Spansets) -> ast.Spansets:
    """The same without brackets that change nothing."""
    if isinstance(part, ast.Combined):
        return ast.Combined(part.op, _plain(part.left), _plain(part.right))
    if isinstance(part, ast.Pipeline):
        return ast.Pipeline(_plain(part.source), part.stages) if part.stages else _plain(part.source)
    return part


def unquote(text: str) -> str:
    """The string a quoted or back-quoted literal stands for."""
    if text[0] == "`":
        return text[1:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1], flags=re.DOTALL)


@v_args(inline=True)
class _Build(Transformer[Any, Any]):
    """Turns lark's tree into the AST, bottom up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, pipeline: ast.Pipeline, _hints: None = None) -> ast.TraceQuery:
        last = pipeline.stages[-1] if pipeline.stages else None
        if isinstance(last, ast.Metric):
            return ast.TraceQuery(ast.Pipeline(_plain(pipeline.source), pipeline.stages[:-1]), last)
        return ast.TraceQuery(ast.Pipeline(_plain(pipeline.source), pipeline.stages))

    def hints(self, *_hints: Any) -> None:
        """Hints tune Tempo's own execution (`with (most_recent=true)`) and change no result here."""

    def hint(self, *_parts: Any) -> None:
        return None

    def pipeline(self, source: ast.Spansets, *stages: ast.Stage) -> ast.Pipeline:
        return ast.Pipeline(source, stages)

    def wrapped(self, pipeline: ast.Pipeline) -> ast.Spansets:
        return pipeline

    def combined(self, left: ast.Spansets, op: Token, right: ast.Spansets) -> ast.Combined:
        if (_has_stages(left) and _is_bare(right)) or (_is_bare(left) and _has_stages(right)):
            _refuse(op, f"beside a pipeline in brackets the other side of {op} needs brackets too")
        return ast.Combined(str(op), left, right)

    def any_span(self) -> ast.Filter:
        return ast.Filter(None)

    def spanset_filter(self, condition: ast.Expression) -> ast.Filter:
        return ast.Filter(condition)

    def aggregate(self, name: Token, operand: ast.Expression | None) -> ast.Aggregate:
        if (name == "count") != (operand is None):
            _refuse(name, "count() takes no field" if name == "count" else f"{name}() needs a field")
        return ast.Aggregate(str(name), operand)

    def scalar_filter(self, aggregate: ast.Aggregate, op: Token, value: ast.Literal_) -> ast.ScalarFilter:
        if value.kind not in {"int", "float", "duration"}:
            _refuse(op, f"{aggregate} has to be compared with a number or a duration")
        return ast.ScalarFilter(aggregate, str(op), value)

    def negative_literal(self, value: ast.Literal_) -> ast.Literal_:
        return ast.Literal_(value.kind, -value.value, "-" + value.text)

    def group_by(self, expression: ast.Expression) -> ast.GroupBy:
        return ast.GroupBy(expression)

    def coalesce(self) -> ast.Coalesce:
        return ast.Coalesce()

    def select(self, fields: tuple[ast.Expression, ...]) -> ast.Select:
        return ast.Select(fields)

    def field_list(self, *fields: ast.Expression) -> tuple[ast.Expression, ...]:
        return fields

    def metric(self, name: Token, *parts: Any) -> ast.Metric:
        if name in _METRICS_REFUSED:
            _refuse(name, f"{name}() is not supported")
        by = next((part for part in parts if isinstance(part, tuple)), ())
        arguments = [part for part in parts if part is not None and not isinstance(part, tuple)]
        if name in _METRICS_WITHOUT_FIELD:
            if arguments:
                _refuse(name, f"{name}() takes no argument")
            return ast.Metric(str(name), by=by)
        return self._metric_of_field(name, arguments, by)

    def _metric_of_field(self, name: Token, arguments: list[Any], by: tuple[ast.Expression, ...]) -> ast.Metric:
        if not arguments or not isinstance(arguments[0], ast.Attribute | ast.Intrinsic):
            _refuse(name, f"{name}() needs a field")
        numbers = [argument for argument in arguments[1:] if isinstance(argument, ast.Literal_)]
        quantiles = tuple(float(number.value) for number in numbers if number.kind in {"int", "float"})
        wanted = name == "quantile_over_time"
        if len(quantiles) != len(arguments) - 1 or bool(quantiles) != wanted:
            _refuse(name, f"{name}() needs a field" + (" and quantiles" if wanted else " and nothing else"))
        if any(not 0 <= quantile <= 1 for quantile in quantiles):
            _refuse(name, "a quantile has to be between 0 and 1")
        return ast.Metric(str(name), arguments[0], quantiles, by)

    def binary(self, left: ast.Expression, op: Token, right: ast.Expression) -> ast.Binary:
        return ast.Binary(str(op), left, right, op.line or 1, op.column or 1)

    def unary(self, op: Token, operand: ast.Expression) -> ast.Unary:
        return ast.Unary(str(op), operand)

    def minus(self, operand: ast.Expression) -> ast.Expression:
        if isinstance(operand, ast.Literal_) and operand.kind in {"int", "float", "duration"}:
            return self.negative_literal(operand)
        return ast.Unary("-", operand)

    def attribute(self, token: Token) -> ast.Attribute:
        scope, _, name = str(token).partition(".")
        return ast.Attribute(scope, re.sub(r'"((?:\\.|[^"\\])*)"', lambda found: unquote(found[0]), name))

    def intrinsic(self, token: Token) -> ast.Intrinsic:
        if token in _NOT_KEPT:
            _refuse(token, f"{token} is not supported")
        return ast.Intrinsic(_SCOPED.get(str(token), str(token)), _SHORT.get(str(token), str(token)))

    def parent(self, token: Token) -> NoReturn:
        _refuse(token, f"{token} is not supported: use the structural operator >")

    def string(self, token: Token) -> ast.Literal_:
        value = unquote(str(token))
        return ast.Literal_("string", value, f"`{value}`")

    def duration(self, token: Token) -> ast.Literal_:
        return ast.Literal_("duration", duration_ns(token), str(token))

    def float(self, token: Token) -> ast.Literal_:
        return ast.Literal_("float", float(token), str(token))

    def integer(self, token: Token) -> ast.Literal_:
        if len(token) > MOST_DIGITS or int(token) >= 2**63:
            _refuse(token, f"{token[:MOST_DIGITS]} does not fit into 64 bits")
        return ast.Literal_("int", int(token), str(token))

    def boolean(self, token: Token) -> ast.Literal_:
        return ast.Literal_("boolean", token == "true", str(token))

    def status(self, token: Token) -> ast.Literal_:
        return ast.Literal_("status", ast.STATUSES.index(token), str(token))

    def kind(self, token: Token) -> ast.Literal_:
        return ast.Literal_("kind", ast.KINDS.index(token), str(token))

    def nil(self) -> ast.Literal_:
        return ast.Literal_("nil", None, "nil")
