"""Answers in Tempo's and Loki's shapes: statuses, content types, error texts and edges as real ones gave them."""

import base64
import time
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from tests.unit.telemetry_store.otlp import log_request, make_record, make_span, send, trace_request
from tests.unit.telemetry_store.process import StoreProcess, http
from tests.unit.waiting import eventually

TRACE_ID = (0xABC).to_bytes(16)


@pytest.fixture(scope="module")
def shaped(store: StoreProcess) -> str:
    """The store's URL with one small trace and two lines in it."""
    root = make_span("POST /v1/shape", TRACE_ID, kind=Span.SPAN_KIND_SERVER, ms=250, user_tier="pro", share=0.5)
    child = make_span("decode", TRACE_ID, parent=root.span_id, ms=3, error=True, n=7, ok=False)
    child.events.add(name="exception", time_unix_nano=child.start_time_unix_nano + 5)
    send(store.otlp, "traces", trace_request([root, child], "shape", service_namespace="marketplace"))
    record = make_record('{"a":1}')
    record.severity_number, record.severity_text, record.trace_id = 17, "ERROR", TRACE_ID
    send(store.otlp, "logs", log_request([record, make_record("plain")], "shape"))
    eventually(lambda: http().get(f"{store.url}/api/traces/abc").status_code == 200, "the trace is there")
    return store.url


TEMPO_TEXTS = [
    ("traces/xyz", {}, 400, "trace IDs can only contain hex characters: invalid character 'x' at position 1"),
    ("traces/ffffffffffffffffffffffffffffffff", {}, 404, ""),
    (
        "search", {"q": "{ status = }"}, 400,
        "invalid TraceQL query: parse error at line 1, col 12: syntax error: unexpected }",
    ),
    (
        "search", {"q": '{ duration = "x" }'}, 400,
        "invalid TraceQL query: binary operations must operate on the same type: duration = `x`",
    ),
    ("search", {"q": "{}", "limit": "x"}, 400, 'invalid limit: strconv.ParseUint: parsing "x": invalid syntax'),
    ("echo", {}, 200, "echo\n"),
]  # fmt: skip
NO_MATCHER = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)
LOKI_TEXTS = [
    (
        "query", {"query": '{service_name="shape"}'}, 400,
        "log queries are not supported as an instant query type, please change your query to a range query type",
    ),
    (
        "query_range", {"query": "{service_name=}"}, 400,
        "parse error at line 1, col 15: syntax error: unexpected }, expecting STRING",
    ),
    (
        "query_range", {"query": '{service_name="x"}', "limit": "x"}, 400,
        'strconv.Atoi: parsing "x": invalid syntax',
    ),
    (
        "query_range", {"query": '{service_name="x"}', "limit": "999999"}, 400,
        "max entries limit per query exceeded, limit > max_entries_limit_per_query (999999 > 5000)",
    ),
    ("query_range", {"query": "{}"}, 400, NO_MATCHER),
    ("query_range", {"query": '{service_name=~".*"}'}, 400, NO_MATCHER),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "parameters", "status", "text"),
    [("/api/" + path, *rest) for path, *rest in TEMPO_TEXTS]
    + [("/loki/api/v1/" + path, *rest) for path, *rest in LOKI_TEXTS],
)
def test_texts_are_those_of_the_real_ones(
    shaped: str, path: str, parameters: dict[str, str], status: int, text: str
) -> None:
    answer = http().get(shaped + path, params=parameters)
    assert (answer.status_code, answer.text) == (status, text)
    if text:
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_trace_in_json_v1_and_v2(shaped: str) -> None:
    first = http().get(f"{shaped}/api/traces/{TRACE_ID.hex()}").json()
    second = http().get(f"{shaped}/api/v2/traces/abc").json()
    assert list(first) == ["batches"]
    assert second["trace"]["resourceSpans"] == first["batches"]
    (batch,) = first["batches"]
    assert {"key": "service.name", "value": {"stringValue": "shape"}} in batch["resource"]["attributes"]
    root, child = batch["scopeSpans"][0]["spans"]
    assert root["traceId"] == base64.b64encode(TRACE_ID).decode()
    assert root["kind"] == "SPAN_KIND_SERVER"
    assert root["status"] == {}
    assert child["parentSpanId"] == root["spanId"]
    assert child["status"] == {"code": "STATUS_CODE_ERROR"}
    assert child["attributes"] == [
        {"key": "n", "value": {"intValue": "7"}},
        {"key": "ok", "value": {"boolValue": False}},
    ]
    assert {"key": "share", "value": {"doubleValue": 0.5}} in root["attributes"]


def test_a_trace_in_protobuf(shaped: str) -> None:
    answer = http().get(f"{shaped}/api/traces/abc", headers={"accept": "application/protobuf"})
    assert answer.headers["content-type"] == "application/protobuf"
    spans = TracesData.FromString(answer.content).resource_spans[0].scope_spans[0].spans
    assert [span.name for span in spans] == ["POST /v1/shape", "decode"]
    wrapped = http().get(f"{shaped}/api/v2/traces/abc", headers={"accept": "application/protobuf"}).content
    assert wrapped.endswith(answer.content)


def test_an_unknown_trace_in_v2(shaped: str) -> None:
    assert http().get(f"{shaped}/api/v2/traces/ffff").json() == {"trace": {}, "metrics": {}}


def _search(url: str, query: str) -> dict[str, Any]:
    traces = http().get(f"{url}/api/search", params={"q": query}).json()["traces"]
    return next(trace for trace in traces if trace["traceID"] == "abc")


def test_a_search_result(shaped: str) -> None:
    found = _search(shaped, '{ resource.service.name = "shape" && name = "decode" && status = error }')
    assert {key: found[key] for key in ("rootServiceName", "rootTraceName", "durationMs")} == {
        "rootServiceName": "shape", "rootTraceName": "POST /v1/shape", "durationMs": 250,
    }  # fmt: skip
    assert found["serviceStats"] == {"shape": {"spanCount": 2, "errorCount": 1}}
    assert found["spanSets"] == [found["spanSet"]]
    (span,) = found["spanSet"]["spans"]
    assert span["name"] == "decode"
    assert span["durationNanos"] == "3000000"
    assert span["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "shape"}},
        {"key": "status", "value": {"stringValue": "error"}},
    ]


def test_facts_of_a_spanset(shaped: str) -> None:
    found = _search(shaped, '{ resource.service.name = "shape" } | by(status) | avg(duration) > 100ms')
    assert found["spanSet"]["attributes"] == [
        {"key": "by(status)", "value": {"stringValue": "unset"}},
        {"key": "avg(duration)", "value": {"stringValue": "250ms"}},
    ]


def test_the_older_search_parameters(shaped: str) -> None:
    parameters = {"tags": "service.name=shape n=7", "minDuration": "200ms", "maxDuration": "1s"}
    (found,) = http().get(f"{shaped}/api/search", params=parameters).json()["traces"]
    assert set(found) == {"traceID", "rootServiceName", "rootTraceName", "startTimeUnixNano", "durationMs"}
    assert http().get(f"{shaped}/api/search", params=parameters | {"minDuration": "1s"}).json()["traces"] == []


def test_a_window_that_holds_nothing(shaped: str) -> None:
    now = int(time.time())
    parameters = {"q": '{ resource.service.name = "shape" }', "start": str(now + 1000), "end": str(now + 2000)}
    assert http().get(f"{shaped}/api/search", params=parameters).json()["traces"] == []


def test_tags_and_their_values(shaped: str) -> None:
    scopes = {scope["name"]: scope["tags"] for scope in http().get(f"{shaped}/api/v2/search/tags").json()["scopes"]}
    assert "user.tier" in scopes["span"]
    assert "service.name" in scopes["resource"]
    assert "traceDuration" in scopes["intrinsic"]
    assert "user.tier" in http().get(f"{shaped}/api/search/tags").json()["tagNames"]
    assert "shape" in http().get(f"{shaped}/api/search/tag/service.name/values").json()["tagValues"]
    query = {"q": '{ resource.service.name = "shape" }'}
    values = http().get(f"{shaped}/api/v2/search/tag/span.n/values", params=query).json()["tagValues"]
    assert values == [{"type": "int", "value": "7"}]
    values = http().get(f"{shaped}/api/v2/search/tag/name/values", params=query).json()["tagValues"]
    assert {value["value"] for value in values} == {"POST /v1/shape", "decode"}
    assert http().get(f"{shaped}/api/v2/search/tag/status/values").json()["tagValues"][0]["type"] == "keyword"


def test_log_streams(shaped: str) -> None:
    parameters = {"query": '{service_name="shape"} | trace_id="' + TRACE_ID.hex() + '"'}
    answer = http().post(f"{shaped}/loki/api/v1/query_range", data=parameters)
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    data = answer.json()["data"]
    assert data["resultType"] == "streams"
    (stream,) = data["result"]
    assert stream["stream"]["detected_level"] == "error"
    assert stream["stream"]["severity_number"] == "17"
    assert stream["values"][0][1] == '{"a":1}'


def test_grafanas_check_of_a_loki_data_source(shaped: str) -> None:
    answer = http().get(f"{shaped}/loki/api/v1/query", params={"query": "vector(1)+vector(1)", "time": "4000000000"})
    assert answer.json()["data"]["result"] == [{"metric": {}, "value": [4000000000, "2"]}]


def test_labels_and_series(shaped: str) -> None:
    url = f"{shaped}/loki/api/v1"
    assert "service_namespace" in http().get(f"{url}/labels").json()["data"]
    selector = {"match[]": '{service_name="shape"}'}
    assert http().get(f"{url}/series", params=selector).json()["data"] == [
        {"service_name": "shape", "service_namespace": "marketplace"}
    ]
    values = http().get(f"{url}/label/service_name/values", params={"query": '{service_name=~"sh.*"}'}).json()["data"]
    assert values == ["shape"]


def test_a_pipeline_error_in_a_metric_query_is_said(shaped: str) -> None:
    query = {"query": 'count_over_time({service_name="shape"} | json [1h])'}
    answer = http().get(f"{shaped}/loki/api/v1/query", params=query)
    assert answer.status_code == 400
    assert answer.text.startswith("pipeline error: 'JSONParserErr'")
