"""LogQL text to its AST, and what is wrong with it in Loki's words."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from telemetry_store.bounds import check_size
from telemetry_store.durations import duration_ns
from telemetry_store.errors import QueryError, at
from telemetry_store.logql import ast

_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_RANGES = {"rate", "count_over_time", "bytes_rate", "bytes_over_time"}
_AGGREGATIONS = {"sum", "avg", "min", "max", "count", "topk", "bottomk"}
_MOST_OF_TOPK = 100_000  # series: more than there may be, and a whole number where 1e999 is none
_WORDS_REFUSED = {"on", "ignoring", "group_left", "group_right", "label_replace", "offset"}
_TEMPLATE = re.compile(r"\{\{\s*\.([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}")


def parse(text: str) -> ast.LogQuery | ast.Metric:
    """The query as data; raises QueryError with line, column and reason."""
    check_size(text)
    try:
        found: ast.LogQuery | ast.Metric = _Build().transform(_parser().parse(text))
        return found
    except VisitError as error:
        if isinstance(error.orig_exc, QueryError):
            raise error.orig_exc from error
        raise
    except UnexpectedInput as error:
        raise QueryError(_describe(error, text)) from error


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text()
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def _describe(error: UnexpectedInput, text: str) -> str:
    if isinstance(error, UnexpectedCharacters):
        return at(error.line, error.column, f"syntax error: unexpected {text[error.pos_in_stream or 0]}")
    if not isinstance(error, UnexpectedToken):
        return at(1, 1, "syntax error")
    expected = f", expecting {next(iter(error.expected))}" if len(error.expected) == 1 else ""
    if error.token.type == "$END":
        lines = text.split("\n")
        return at(len(lines), len(lines[-1]) + 1, f"syntax error: unexpected $end{expected}")
    if error.token in _WORDS_REFUSED:
        return at(error.line, error.column, f"{error.token} is not supported")
    return at(error.line, error.column, f"syntax error: unexpected {error.token}{expected}")


def _refuse(token: Token, reason: str) -> NoReturn:
    raise QueryError(at(token.line or 1, token.column or 1, reason))


def unquote(token: Token) -> str:
    """The string a quoted (Go's escapes) or back-quoted literal stands for."""
    if token[0] == "`":
        return str(token[1:-1])
    inner = re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", token[1:-1]).replace("\\'", "'").replace("\\a", "\\u0007")
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except json.JSONDecodeError:
        _refuse(token, "invalid char escape")


def size_bytes(text: str) -> float:
    """Bytes of a size such as 5KB (thousands) or 5KiB (1024s)."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s?(?:([KMGTPE])(I?))?B?", text.upper())
    if not found:
        raise ValueError(f"{text!r} is no size")
    number, letter, binary = found.groups()
    return float(number) * (1024.0 if binary else 1000.0) ** _POWERS[letter or ""]


@v_args(inline=True)
class _Build(Transformer[Any, Any]):
    """Turns lark's tree into the AST, bottom up."""

    def start(self, query: Any) -> Any:
        return query

    def log_query(self, matchers: tuple[ast.Matcher, ...], *stages: ast.Stage) -> ast.LogQuery:
        return ast.LogQuery(matchers, stages)

    def selector(self, *matchers: ast.Matcher | None) -> tuple[ast.Matcher, ...]:
        return tuple(matcher for matcher in matchers if matcher)

    def matcher(self, name: Token, op: str, value: Token) -> ast.Matcher:
        return ast.Matcher(str(name), op, unquote(value))  # type: ignore[arg-type]

    def matcher_op(self, op: Token) -> str:
        return str(op)

    line_op = predicate_op = compare_op = additive = multiplicative = matcher_op

    def line_filter(self, op: str, *operands: Token) -> ast.LineFilter:
        return ast.LineFilter(op, tuple(unquote(operand) for operand in operands))  # type: ignore[arg-type]

    def label_filter(self, condition: ast.LabelFilter) -> ast.LabelFilter:
        return condition

    def line_format(self, template: Token) -> ast.LineFormat:
        parts = _TEMPLATE.split(unquote(template))
        if any("{{" in part or "}}" in part for part in parts[::2]):
            _refuse(template, "line_format supports {{.label}} only, no functions")
        return ast.LineFormat(tuple(parts))

    def pattern_filter(self, op: Token, _operand: Token) -> NoReturn:
        _refuse(op, f"the pattern filter {op} is not supported; use |~")

    def unsupported_stage(self, name: Token, *_rest: Token) -> NoReturn:
        _refuse(name, f"{name} is not supported")

    def json(self) -> ast.JsonParser:
        return ast.JsonParser()

    def json_expression(self, name: Token, _path: Token) -> Token:
        return name

    def json_expressions(self, name: Token, *_more: Token) -> NoReturn:
        _refuse(name, "json with expressions is not supported; use json alone")

    def logfmt(self) -> ast.LogfmtParser:
        return ast.LogfmtParser()

    def any_of(self, *parts: ast.LabelFilter) -> ast.LabelFilter:
        return parts[0] if len(parts) == 1 else ast.AnyOf(parts)

    def all_of(self, *parts: ast.LabelFilter) -> ast.LabelFilter:
        return parts[0] if len(parts) == 1 else ast.AllOf(parts)

    def predicate(self, name: Token, op: str, value: tuple[str, Any]) -> ast.LabelFilter:
        unit, operand = value
        if unit == "text":
            if op not in {"=", "!=", "=~", "!~"}:
                _refuse(name, f"{op} needs a number, a duration or a size")
            return ast.Matcher(str(name), op, operand)  # type: ignore[arg-type]
        if op in {"=~", "!~"}:
            _refuse(name, f"{op} needs a string")
        return ast.NumberFilter(str(name), "==" if op == "=" else op, operand, unit)  # type: ignore[arg-type]

    def text_value(self, token: Token) -> tuple[str, Any]:
        return "text", unquote(token)

    def number_value(self, minus: Token | None, token: Token) -> tuple[str, Any]:
        return "number", -float(token) if minus else float(token)

    def duration_value(self, minus: Token | None, token: Token) -> tuple[str, Any]:
        return "duration", (-1 if minus else 1) * duration_ns(token) / 1e9

    def bytes_value(self, token: Token) -> tuple[str, Any]:
        return "bytes", size_bytes(str(token))

    def ip_value(self, token: Token) -> NoReturn:
        _refuse(token, "ip() is not supported")

    def range(self, duration: Token, *offset: Token | None) -> tuple[int, int]:
        minus, back = (*offset, None, None)[:2]
        if duration_ns(duration) <= 0:
            _refuse(duration, "a range has to be longer than zero")
        return duration_ns(duration), (duration_ns(back) * (-1 if minus else 1) if back else 0)

    def ranged(self, matchers: tuple[ast.Matcher, ...], *rest: Any) -> ast.Ranged:
        return ast.Ranged(ast.LogQuery(matchers, rest[:-1]), *rest[-1])

    def ranged_first(
        self, matchers: tuple[ast.Matcher, ...], window: tuple[int, int], *stages: ast.Stage
    ) -> ast.Ranged:
        return ast.Ranged(ast.LogQuery(matchers, stages), *window)

    def ranged_again(self, ranged: ast.Ranged) -> ast.Ranged:
        return ranged

    def range_aggregation(self, name: Token, number: Token | None, ranged: ast.Ranged) -> ast.RangeAggregation:
        if name not in _RANGES or number:
            _refuse(name, f"{name}() is not supported")
        return ast.RangeAggregation(str(name), ranged)

    def grouping(self, word: Token, *labels: Token | None) -> tuple[str, tuple[str, ...]]:
        return str(word), tuple(str(label) for label in labels if label)

    def vector_aggregation(self, name: Token, count: Token | None, operand: ast.Metric, grouping: Any) -> ast.Metric:
        if name not in _AGGREGATIONS:
            _refuse(name, f"{name}() is not supported")
        if (name in {"topk", "bottomk"}) != (count is not None):
            _refuse(name, f"{name}() needs a number" if count is None else f"{name}() takes no number")
        word, labels = grouping or (None, ())
        return ast.VectorAggregation(str(name), operand, word, labels, int(min(float(count or 0), _MOST_OF_TOPK)))

    def grouped_aggregation(self, name: Token, grouping: Any, count: Token | None, operand: ast.Metric) -> ast.Metric:
        return self.vector_aggregation(name, count, operand, grouping)

    def scalar(self, minus: Token | None, number: Token) -> ast.Scalar:
        return ast.Scalar(-float(number) if minus else float(number))

    def vector(self, number: Token) -> ast.Vector:
        return ast.Vector(float(number))

    def set_operation(self, *parts: Any) -> ast.Metric:
        found, *rest = parts
        pairs = [(str(op), right) for op, right in zip(rest[::2], rest[1::2], strict=True)] if _has_tokens(rest) else []
        for op, right in pairs or [("or", right) for right in rest]:
            found = ast.Binary(op, found, right)
        return found

    def binary(self, left: ast.Metric, op: str, is_bool: Token | None, right: ast.Metric) -> ast.Binary:
        return ast.Binary(op, left, right, is_bool is not None)

    def arithmetic(self, left: ast.Metric, op: str, right: ast.Metric) -> ast.Binary:
        return ast.Binary(str(op), left, right)


def _has_tokens(parts: list[Any]) -> bool:
    return any(isinstance(part, Token) for part in parts)
