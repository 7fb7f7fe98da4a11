"""Loki's HTTP API."""

import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from telemetry_store.errors import QueryError
from telemetry_store.http import Query, QueryRunner, build_info
from telemetry_store.logql import ast
from telemetry_store.logql.lines import find_lines
from telemetry_store.logql.metrics import Steps, evaluate, is_scalar
from telemetry_store.logql.parse import parse
from telemetry_store.loki import answers, parameters
from telemetry_store.loki.labels import label_values, labels, series

PREFIX = "/loki/api/v1"
_NO_INSTANT_LOGS = (
    "log queries are not supported as an instant query type, please change your query to a range query type"
)


def routes(runner: QueryRunner) -> list[Route]:
    """Every route; GET, or POST with a form."""
    found = {
        "/query_range": _query_range,
        "/query": _query,
        "/labels": labels,
        "/label": labels,
        "/label/{name}/values": label_values,
        "/series": series,
    }
    methods = ["GET", "POST"]
    queries = [Route(PREFIX + path, runner.endpoint("loki", answer), methods=methods) for path, answer in found.items()]
    return [*queries, Route(PREFIX + "/status/buildinfo", build_info), Route(PREFIX + "/{rest:path}", _unsupported)]


async def _unsupported(request: Request) -> Response:
    return PlainTextResponse(f"{request.url.path} is not supported", 404)


def _query_range(query: Query, request: Request) -> Response:
    most, forward = parameters.limit(request), parameters.is_forward(request)
    start, end = parameters.span_of_time(request)
    parsed = parse(request.query_params.get("query", ""))
    if isinstance(parsed, ast.LogQuery):
        return answers.streams(find_lines(parsed, start, end, most, forward, query))
    step = parameters.step(request, start, end)
    # Moments are multiples of the step, so that moving the window by a little does not change every value.
    steps = Steps(start // step * step, -(-end // step) * step, step)
    return answers.matrix(evaluate(parsed, steps, query))


def _query(query: Query, request: Request) -> Response:
    parameters.limit(request)
    text = request.query_params.get("time", "")
    moment = parameters.moment(text) if text else time.time_ns()
    parsed = parse(request.query_params.get("query", ""))
    if isinstance(parsed, ast.LogQuery):
        raise QueryError(_NO_INSTANT_LOGS)
    found = evaluate(parsed, Steps(moment, moment, 1), query)
    if is_scalar(parsed):
        return answers.scalar(moment, found[()][0][1])
    return answers.vector(found)
