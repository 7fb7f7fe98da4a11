"""GET /api/search."""

from starlette.requests import Request
from starlette.responses import Response

from telemetry_store.errors import QueryError
from telemetry_store.http import Query, json_answer
from telemetry_store.tempo import parameters
from telemetry_store.traceql.shown import find

_SHORT = ("traceID", "rootServiceName", "rootTraceName", "startTimeUnixNano", "durationMs")


def search(query: Query, request: Request) -> Response:
    """Traces that match `q` or the older parameters, newest first."""
    limit = parameters.positive(request, "limit", parameters.DEFAULT_LIMIT, parameters.MOST_TRACES)
    spans = parameters.positive(request, "spss", parameters.DEFAULT_SPANS, parameters.MOST_SPANS)
    window = parameters.window(request)
    parsed, has_spansets = parameters.search_query(request)
    if parsed.metric:
        raise QueryError("invalid TraceQL query: a metrics query has to be sent to /api/metrics/query_range")
    traces = find(parsed, window, limit, spans, query)
    if not has_spansets:
        traces = [{key: trace[key] for key in _SHORT if key in trace} for trace in traces]
    return json_answer({"traces": traces, "metrics": {"inspectedBytes": "0", "completedJobs": 1, "totalJobs": 1}})
