"""Conditions on single spans as SQL over `spans s JOIN origins o`, and `t` where the trace as a whole is asked.

An operand is a set of SQL expressions, one for each family of types it can have: an attribute may be a string on
one span and a number on the next. A comparison holds where it holds in one family; whatever is missing compares
false, never NULL.
"""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import duckdb

from telemetry_store.errors import QueryError
from telemetry_store.storage.columns import AttributeColumns, Column
from telemetry_store.traceql import ast
from telemetry_store.traceql.check import ARITHMETIC

Operand = dict[str, str]  # family (n, s, b, status, kind; with l before: a list) -> SQL

# Where `.x` is looked for, in this order.
SCOPES = ("span", "resource", "event", "link", "instrumentation")
_FAMILY = {"s": "s", "i": "n", "d": "n", "b": "b"}
_LITERAL_FAMILY = {"string": "s", "int": "n", "float": "n", "duration": "n", "boolean": "b"}
_COMPARED_WITH = {"int": "i", "float": "d", "duration": ""}
_INTRINSICS: dict[str, Operand] = {
    "span:duration": {"n": "s.duration"},
    "span:name": {"s": "s.name"},
    "span:status": {"status": "s.status"},
    "span:kind": {"kind": "s.kind"},
    "span:statusMessage": {"s": "s.status_message"},
    "span:id": {"s": "lower(printf('%016x', s.span_id))"},
    "span:parentID": {"s": "CASE WHEN s.parent_id <> 0 THEN lower(printf('%016x', s.parent_id)) END"},
    "trace:id": {"s": "replace(s.trace_id::VARCHAR, '-', '')"},
    "trace:duration": {"n": "t.duration"},
    "trace:rootName": {"s": "t.root_name"},
    "trace:rootService": {"s": "t.root_service"},
}
_COLUMN_INTRINSICS = {
    "event:name": ("event:", "name"), "event:timeSinceStart": ("event:", "timeSinceStart"),
    "link:traceID": ("link:", "traceID"), "link:spanID": ("link:", "spanID"),
    "instrumentation:name": ("instrumentation:", "name"), "instrumentation:version": ("instrumentation:", "version"),
}  # fmt: skip
TRACES = """t AS (SELECT trace_id, max(start + duration) - min(start) AS duration,
    arg_min(name, start) FILTER (parent_id = 0) AS root_name,
    arg_min(service, start) FILTER (parent_id = 0) AS root_service
    FROM spans JOIN origins USING (origin_no) GROUP BY trace_id)"""


@dataclass
class SqlBuilder:
    """Builds SQL with its parameters; one for each statement."""

    columns: AttributeColumns
    parameters: dict[str, Any] = field(default_factory=dict)
    needs_traces: bool = False
    patterns: list[str] = field(default_factory=list)

    def value(self, value: Any) -> str:
        """A placeholder for `value`."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def execute(
        self, cursor: duckdb.DuckDBPyConnection, sql: str, more: dict[str, Any] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Run `sql` with those parameters it mentions: DuckDB refuses others, and a value may have found no use."""
        mentioned = set(re.findall(r"\$(\w+)", sql))
        every = self.parameters | (more or {})
        return cursor.execute(sql, {name: value for name, value in every.items() if name in mentioned})

    def condition(self, expression: ast.Expression | None) -> str:
        """The expression as a condition, in which NULL stands for false: only `!` and comparisons would tell them
        apart, and without guards DuckDB can push it into the scan."""
        if expression is None:
            return "true"
        if isinstance(expression, ast.Binary) and expression.op in {"&&", "||"}:
            word = "AND" if expression.op == "&&" else "OR"
            return f"({self.condition(expression.left)} {word} {self.condition(expression.right)})"
        if isinstance(expression, ast.Binary) and expression.op not in ARITHMETIC:
            return self._comparison(expression)
        return self.operand(expression).get("b", "false")

    def operand(self, expression: ast.Expression) -> Operand:
        """The expression's SQL in every family it can have."""
        if isinstance(expression, ast.Literal_):
            return self._literal(expression)
        if isinstance(expression, ast.Attribute):
            return self._attribute(expression)
        if isinstance(expression, ast.Intrinsic):
            return self._intrinsic(expression)
        if isinstance(expression, ast.Unary):
            return self._unary(expression)
        return self._binary(expression)

    def _literal(self, literal: ast.Literal_) -> Operand:
        if literal.kind in {"status", "kind"}:
            return {literal.kind: str(literal.value)}
        if literal.kind == "nil":
            return {}
        return {_LITERAL_FAMILY[literal.kind]: self.value(literal.value)}

    def _intrinsic(self, intrinsic: ast.Intrinsic) -> Operand:
        if intrinsic.name in _COLUMN_INTRINSICS:
            return _families(self.columns.of(*_COLUMN_INTRINSICS[intrinsic.name]))
        self.needs_traces |= intrinsic.name in {"trace:duration", "trace:rootName", "trace:rootService"}
        return _INTRINSICS[intrinsic.name]

    def columns_of(self, attribute: ast.Attribute) -> list[list[Column]]:
        """The attribute's columns, by scope in order of precedence; raises QueryError for one that has none
        because there are too many attributes."""
        scopes = (attribute.scope,) if attribute.scope else SCOPES
        found = [columns for scope in scopes if (columns := self.columns.of(scope, attribute.name))]
        if not found and self.columns.full:
            raise QueryError(f"{attribute} is not indexed: the store has seen too many attribute names")
        return found

    def _attribute(self, attribute: ast.Attribute, numbers: str = "id") -> Operand:
        """`numbers` names the kinds of number that count."""
        merged: Operand = {}
        for columns in reversed(self.columns_of(attribute)):
            counted = [column for column in columns if column.kind[-1] in numbers + "sb"]
            merged = _prefer(_families(counted), columns, merged)
        return merged

    def _beside(self, side: ast.Expression, other: ast.Expression) -> Operand:
        """One side of a comparison. An attribute beside a number has to be of that number's type: Tempo looks for
        `> 3600` among the integers and for `> 3600.0` among the floats."""
        if isinstance(side, ast.Attribute) and isinstance(other, ast.Literal_):
            return self._attribute(side, _COMPARED_WITH.get(other.kind, "id"))
        return self.operand(_normal(side))

    def _unary(self, expression: ast.Unary) -> Operand:
        inner = self.operand(expression.operand)
        if expression.op == "!":
            # A missing boolean attribute stays NULL, so that `!` does not make it true.
            return {"b": f"(NOT {inner.get('b', 'NULL')})"}
        return {"n": f"(-({inner['n']})::DOUBLE)"} if "n" in inner else {}

    def _binary(self, expression: ast.Binary) -> Operand:
        if expression.op in ARITHMETIC:
            return self._arithmetic(expression)
        return {"b": f"coalesce({self.condition(expression)}, false)"}

    def _nil(self, expression: ast.Expression, op: str) -> str:
        present = [f"({sql}) IS NOT NULL" for sql in self.operand(expression).values()]
        exists = f"({' OR '.join(present)})" if present else "false"
        return exists if op == "!=" else f"NOT {exists}"

    def _arithmetic(self, expression: ast.Binary) -> Operand:
        left, right = self.operand(expression.left).get("n"), self.operand(expression.right).get("n")
        if not left or not right:
            return {}
        if expression.op == "^":
            return {"n": f"pow(({left})::DOUBLE, ({right})::DOUBLE)"}
        result = f"(({left})::DOUBLE {expression.op} ({right})::DOUBLE)"
        if expression.op == "/" and (whole := self._whole(expression)) != "false":
            result = f"CASE WHEN {whole} THEN trunc({result}) ELSE {result} END"
        return {"n": result}

    def _whole(self, expression: ast.Expression) -> str:
        """SQL telling whether the value is an integer by its type, as 2 is and 2.0 and 2ns are not: two such
        numbers divide to an integer."""
        if isinstance(expression, ast.Attribute):
            columns = [column for scope in self.columns_of(expression) for column in scope if column.kind == "i"]
            return f"({' OR '.join(f'{_place(column)} IS NOT NULL' for column in columns)})" if columns else "false"
        if isinstance(expression, ast.Unary):
            return self._whole(expression.operand)
        if isinstance(expression, ast.Binary):
            sides = {self._whole(expression.left), self._whole(expression.right)}
            return "false" if "false" in sides else f"({' AND '.join(sorted(sides))})"
        return "true" if isinstance(expression, ast.Literal_) and expression.kind == "int" else "false"

    def _comparison(self, expression: ast.Binary) -> str:
        if expression.op in {"=~", "!~"} and isinstance(expression.right, ast.Literal_):
            self.patterns.append(expression.right.value)
        for side, other in ((expression.left, expression.right), (expression.right, expression.left)):
            if isinstance(side, ast.Literal_) and side.kind == "nil":
                return self._nil(other, expression.op)
        left = self._beside(expression.left, expression.right)
        right = self._beside(expression.right, expression.left)
        found = []
        for family in left.keys() | right.keys():
            base = family.removeprefix("l")
            if family in left and base in right:
                found.append(_compare(family, left[family], expression.op, right[base]))
            elif family != base and base in left and family in right:
                found.append(_compare(family, right[family], _mirrored(expression.op), left[base]))
        return f"({' OR '.join(sorted(found))})" if found else "false"


def _normal(expression: ast.Expression) -> ast.Expression:
    """Ids are compared in full length and small letters, however they were written."""
    if isinstance(expression, ast.Literal_) and expression.kind == "string" and len(expression.value) == 32:
        try:
            return ast.Literal_("string", uuid.UUID(hex=expression.value).hex, expression.text)
        except ValueError:
            return expression
    return expression


def _families(columns: list[Column]) -> Operand:
    """An attribute's columns by family; integers and doubles are one."""
    merged: dict[str, list[str]] = {}
    for column in columns:
        family = column.kind[:-1] + _FAMILY[column.kind[-1]]
        merged.setdefault(family, []).append(_place(column))
    return {family: _joined(family, names) for family, names in merged.items()}


def _place(column: Column) -> str:
    return f"{'o' if column.table == 'origins' else 's'}.{column.name}"


def _joined(family: str, names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    cast = "::DOUBLE[]" if family == "ln" else "::DOUBLE"
    return f"coalesce({', '.join(name + cast for name in names)})"


def _prefer(first: Operand, columns: list[Column], rest: Operand) -> Operand:
    """`first` wherever the span has the attribute in that scope, else `rest`."""
    if not rest:
        return first
    exists = " OR ".join(f"{_place(column)} IS NOT NULL" for column in columns)
    families = first.keys() | rest.keys()
    return {
        family: f"CASE WHEN {exists} THEN {first.get(family, 'NULL')} ELSE {rest.get(family, 'NULL')} END"
        for family in families
    }


def _mirrored(op: str) -> str:
    return {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)


def _compare(family: str, left: str, op: str, right: str) -> str:
    """One family's comparison. Of a list, one element has to match; for `!=` and `!~` none may."""
    if not family.startswith("l"):
        return _scalar(left, op, right)
    if op in {"!=", "!~"}:
        positive = _any_of(left, "=" if op == "!=" else "=~", right)
        return f"NOT {positive}"
    return _any_of(left, op, right)


def _any_of(items: str, op: str, right: str) -> str:
    return f"(len(list_filter({items}, lambda x: {_scalar('x', op, right)})) > 0)"


def _scalar(left: str, op: str, right: str) -> str:
    if op == "=~":
        return f"regexp_full_match({left}, {right}, 's')"
    if op == "!~":
        return f"NOT regexp_full_match({left}, {right}, 's')"
    return f"{left} {'<>' if op == '!=' else op} {right}"
