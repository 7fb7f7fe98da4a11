"""Index labels, their values, and streams."""

from starlette.requests import Request
from starlette.responses import Response

from telemetry_store.errors import QueryError
from telemetry_store.http import Query
from telemetry_store.logql import ast
from telemetry_store.logql.parse import parse
from telemetry_store.logql.select import Streams, all_streams, matching_streams
from telemetry_store.loki import answers, parameters


def labels(query: Query, request: Request) -> Response:
    """Names of index labels."""
    found = _streams(query, request, request.query_params.get("query", ""))
    return answers.success(sorted({name for stream in found.values() for name in stream}))


def label_values(query: Query, request: Request) -> Response:
    """Values of one index label."""
    found = _streams(query, request, request.query_params.get("query", ""))
    name = request.path_params["name"]
    return answers.success(sorted({stream[name] for stream in found.values() if name in stream}))


def series(query: Query, request: Request) -> Response:
    """Labels of the streams that match any of `match[]`."""
    selectors = [*request.query_params.getlist("match[]"), *request.query_params.getlist("match")]
    if not selectors:
        raise QueryError("0 matcher groups supplied")
    found: Streams = {}
    for selector in selectors:
        found |= _streams(query, request, selector)
    return answers.success([found[number] for number in sorted(found)])


def _streams(query: Query, request: Request, selector: str) -> Streams:
    """Streams with lines in the time asked for, of those the selector picks."""
    start, end = parameters.span_of_time(request)
    found = all_streams(query.database.streams)
    if selector and selector.replace(" ", "") != "{}":
        parsed = parse(selector)
        if not isinstance(parsed, ast.LogQuery):
            raise QueryError("only label matchers are supported")
        found = matching_streams(parsed.matchers, query.database.streams, query.cursor)
    sql = "SELECT DISTINCT stream_no FROM lines WHERE time BETWEEN $1 AND $2"
    present = {row[0] for row in query.cursor.execute(sql, [start, end]).fetchall()}
    return {number: stream for number, stream in found.items() if number in present}
