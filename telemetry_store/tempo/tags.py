"""Names and values of attributes: what a query editor completes."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from telemetry_store.errors import QueryError
from telemetry_store.http import Query, json_answer
from telemetry_store.storage.columns import AttributeColumns
from telemetry_store.storage.patterns import check_patterns
from telemetry_store.traceql import ast
from telemetry_store.traceql.parse import parse
from telemetry_store.traceql.sql import SCOPES, TRACES, SqlBuilder

MOST_VALUES = 1000
_INTRINSICS = (
    "duration", "event:name", "event:timeSinceStart", "instrumentation:name", "instrumentation:version", "kind",
    "link:spanID", "link:traceID", "name", "rootName", "rootServiceName", "span:duration", "span:id", "span:kind",
    "span:name", "span:parentID", "span:status", "span:statusMessage", "status", "statusMessage", "trace:duration",
    "trace:id", "trace:rootName", "trace:rootService", "traceDuration",
)  # fmt: skip
_SHOWN_SCOPES = ("event", "link", "instrumentation", "span", "resource")
_TYPES = {"s": "string", "n": "float", "b": "bool"}
_NUMBERS = {"span:duration", "trace:duration", "event:timeSinceStart"}
_METRICS = {"inspectedBytes": "0"}


def tags_v1(query: Query, request: Request) -> Response:
    """Every attribute's name, of every scope."""
    scopes = _scopes(query.database.columns, request)
    names = {tag for scope in scopes for tag in scope["tags"] if scope["name"] != "intrinsic"}
    if request.query_params.get("scope") == "intrinsic":
        names = set(_INTRINSICS)
    return json_answer({"tagNames": sorted(names), "metrics": _METRICS})


def tags_v2(query: Query, request: Request) -> Response:
    """Attributes' names by scope."""
    return json_answer({"scopes": _scopes(query.database.columns, request), "metrics": _METRICS})


def _scopes(columns: AttributeColumns, request: Request) -> list[dict[str, Any]]:
    wanted = request.query_params.get("scope", "") or "none"
    if wanted not in {"none", "intrinsic", *SCOPES}:
        raise QueryError(f"invalid scope: {wanted}")
    found = [{"name": "intrinsic", "tags": list(_INTRINSICS)}]
    found += [{"name": scope, "tags": tags} for scope in _SHOWN_SCOPES if (tags := columns.keys(scope))]
    return [scope for scope in found if wanted in ("none", scope["name"])]


def values_v1(query: Query, request: Request) -> Response:
    """Values of a tag, which may be written without its scope, as plain strings."""
    name = request.path_params["name"]
    field = _field_or_none(name) or ast.Attribute("", name)
    found = set(_words(field) or (value["value"] for value in _values(field, None, query)))
    return json_answer({"tagValues": sorted(found), "metrics": _METRICS})


def values_v2(query: Query, request: Request) -> Response:
    """Values of a scoped attribute or intrinsic with their types, of the spans that `q` picks."""
    name = request.path_params["name"]
    field = _field_or_none(name)
    if field is None:
        raise QueryError(f"tag name is not valid intrinsic or scoped attribute: {name}")
    if words := _words(field):
        return json_answer({"tagValues": [{"type": "keyword", "value": word} for word in words], "metrics": {}})
    values = _values(field, _condition(request), query)
    return json_answer({"tagValues": values, "metrics": _METRICS})


def _words(field: ast.Field) -> tuple[str, ...] | None:
    """The values of an intrinsic that has a fixed set of them."""
    return {"span:status": ("error", "unset", "ok"), "span:kind": ast.KINDS}.get(field.name)


def _field_or_none(name: str) -> ast.Field | None:
    """The field a tag's name stands for, read by the query language itself."""
    try:
        condition = parse(f"{{ {name} != nil }}").pipeline.source
    except QueryError:
        return None
    match condition:
        case ast.Filter(ast.Binary("!=", (ast.Attribute() | ast.Intrinsic()) as field)):
            return field
    return None


def _condition(request: Request) -> ast.Expression | None:
    """The filter of `q` where it is one; anything more, or unfinished, filters nothing, as in Tempo."""
    try:
        source = parse(request.query_params.get("q", "") or "{}").pipeline.source
    except QueryError:
        return None
    return source.condition if isinstance(source, ast.Filter) else None


def _values(field: ast.Field, condition: ast.Expression | None, query: Query) -> list[dict[str, str]]:
    found = []
    for family in SqlBuilder(query.database.columns).operand(field):
        kind = "duration" if field.name in _NUMBERS else _TYPES[family[-1]]
        for value in _distinct(field, family, condition, query):
            shown, shown_kind = _shown(value, kind)
            found.append({"type": shown_kind, "value": shown})
    return found[:MOST_VALUES]


def _distinct(field: ast.Field, family: str, condition: ast.Expression | None, query: Query) -> list[Any]:
    builder = SqlBuilder(query.database.columns)
    value, where = builder.operand(field)[family], builder.condition(condition)
    check_patterns(query.cursor, builder.patterns)
    traces = f"WITH {TRACES} " if builder.needs_traces else ""
    join = "JOIN t USING (trace_id)" if builder.needs_traces else ""
    value = f"unnest({value})" if family.startswith("l") else value
    sql = f"""{traces}SELECT DISTINCT v FROM (SELECT {value} AS v FROM spans s JOIN origins o USING (origin_no) {join}
        WHERE {where}) WHERE v IS NOT NULL ORDER BY v LIMIT {MOST_VALUES}"""
    return [row[0] for row in builder.execute(query.cursor, sql).fetchall()]


def _shown(value: Any, kind: str) -> tuple[str, str]:
    if kind == "bool":
        return ("true" if value else "false"), kind
    if kind == "float" and float(value).is_integer():
        return str(int(value)), "int"
    return str(value), kind
