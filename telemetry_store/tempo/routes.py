"""Tempo's HTTP API."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from telemetry_store.http import Query, QueryRunner, build_info, json_answer
from telemetry_store.tempo import metrics, tags
from telemetry_store.tempo.search import search
from telemetry_store.tempo.trace_json import trace_json
from telemetry_store.tempo.traces import as_protobuf, find_trace, parse_trace_id
from telemetry_store.wire import field

PROTOBUF = "application/protobuf"


def routes(runner: QueryRunner) -> list[Route]:
    """Every route, most specific first."""
    return [
        Route("/api/traces/{trace_id}", runner.endpoint("trace", _trace_v1)),
        Route("/api/v2/traces/{trace_id}", runner.endpoint("trace", _trace_v2)),
        Route("/api/search/tags", runner.endpoint("tags", tags.tags_v1)),
        Route("/api/v2/search/tags", runner.endpoint("tags", tags.tags_v2)),
        Route("/api/search/tag/{name:path}/values", runner.endpoint("tags", tags.values_v1)),
        Route("/api/v2/search/tag/{name:path}/values", runner.endpoint("tags", tags.values_v2)),
        Route("/api/metrics/query_range", runner.endpoint("metrics", metrics.query_range)),
        Route("/api/metrics/query", runner.endpoint("metrics", metrics.query_instant)),
        Route("/api/search", runner.endpoint("search", search)),
        Route("/api/echo", _echo),
        Route("/api/status/buildinfo", build_info),
        Route("/ready", _ready),
    ]


async def _echo(_request: Request) -> Response:
    return PlainTextResponse("echo\n")


async def _ready(_request: Request) -> Response:
    return PlainTextResponse("ready\n")


def _wants_protobuf(request: Request) -> bool:
    return PROTOBUF in request.headers.get("accept", "")


def _trace_v1(query: Query, request: Request) -> Response:
    groups = find_trace(query, parse_trace_id(request.path_params["trace_id"]))
    if not groups:
        return Response(status_code=404)
    if _wants_protobuf(request):
        return Response(as_protobuf(groups), headers={"content-type": PROTOBUF})
    return json_answer({"batches": trace_json(groups)})


def _trace_v2(query: Query, request: Request) -> Response:
    groups = find_trace(query, parse_trace_id(request.path_params["trace_id"]))
    if _wants_protobuf(request):
        return Response(field(1, as_protobuf(groups)), headers={"content-type": PROTOBUF})
    return json_answer({"trace": {"resourceSpans": trace_json(groups)} if groups else {}, "metrics": {}})
