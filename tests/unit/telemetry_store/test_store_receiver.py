"""What the OTLP receiver takes, refuses and says."""

import gzip
import json
import time
import zlib
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tests.unit.telemetry_store.otlp import PROTOBUF, log_request, make_record, make_span, send, trace_request
from tests.unit.telemetry_store.process import StoreProcess, http, running_store
from tests.unit.waiting import eventually


def spans_of(store: StoreProcess, trace_id: bytes) -> int:
    """How many spans of a trace the store answers with."""
    answer = http().get(f"{store.url}/api/traces/{trace_id.hex()}", headers={"accept": "application/protobuf"})
    groups = TracesData.FromString(answer.content).resource_spans if answer.status_code == 200 else []
    return sum(len(scope.spans) for group in groups for scope in group.scope_spans)


def has_spans(store: StoreProcess, trace_id: bytes, count: int) -> None:
    """Wait until a trace has `count` spans."""
    eventually(lambda: spans_of(store, trace_id) == count, f"{count} spans of {trace_id.hex()}", within=5)


@pytest.mark.parametrize("compress", [False, True])
def test_protobuf_with_and_without_gzip(store: StoreProcess, compress: bool) -> None:
    span = make_span()
    answer = send(store.otlp, "traces", trace_request([span]), compress)
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
    has_spans(store, span.trace_id, 1)


def test_json_has_ids_in_hex(store: StoreProcess) -> None:
    trace_id, now = "5b8efff798038103d269b633813fc60c", time.time_ns()
    span = {
        "traceId": trace_id, "spanId": "EEE19B7EC3C1B174", "name": "json", "kind": 2,
        "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000), "aFieldFromTheFuture": 1,
        "attributes": [{"key": "n", "value": {"intValue": "7"}}],
    }  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = http().post(f"{store.otlp}/v1/traces", json=body)
    assert (answer.status_code, answer.json()) == (200, {})
    has_spans(store, bytes.fromhex(trace_id), 1)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff", {"content-type": PROTOBUF}, 400),
        (b"{not json", {"content-type": "application/json"}, 400),
        (b"[]", {"content-type": "application/json"}, 400),
        (b'{"resourceSpans": 5}', {"content-type": "application/json"}, 400),
        (b'{"a":[{"traceId":"xyz"}]}', {"content-type": "application/json"}, 400),
        (b"[" * 5000, {"content-type": "application/json"}, 400),
        (b"", {"content-type": "text/plain"}, 415),
        (b"x", {"content-type": PROTOBUF, "content-encoding": "br"}, 415),
        (b"not gzip", {"content-type": PROTOBUF, "content-encoding": "gzip"}, 400),
        (gzip.compress(b"\n" * 100, mtime=0)[:-9], {"content-type": PROTOBUF, "content-encoding": "gzip"}, 400),
        (gzip.compress(bytes(20_000_000)), {"content-type": PROTOBUF, "content-encoding": "gzip"}, 413),
        (zlib.compress(bytes(20_000_000)), {"content-type": PROTOBUF, "content-encoding": "deflate"}, 413),
        (bytes(17_000_000), {"content-type": PROTOBUF}, 413),
    ],
)  # fmt: skip
@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_what_must_not_be_sent_again_is_refused(
    store: StoreProcess, signal: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = http().post(f"{store.otlp}/v1/{signal}", content=body, headers=headers)
    if signal != "traces" and b"resourceSpans" in body:
        status = 200  # an unknown field to the other signals, and those are ignored
    assert answer.status_code == status
    assert http().get(f"{store.url}/ready").status_code == 200


def test_bad_spans_are_named_in_a_partial_success_and_good_ones_kept(store: StoreProcess) -> None:
    good, short, zero = make_span(), make_span(trace_id=b"short"), make_span(span_id=bytes(8))
    late = make_span(start=2**63 + 5)
    answer = send(store.otlp, "traces", trace_request([short, good, zero, late]))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 3)
    assert "16 bytes" in partial.error_message
    has_spans(store, good.trace_id, 1)


def test_bad_log_records_are_named_in_a_partial_success(store: StoreProcess) -> None:
    bad = make_record("late")
    bad.time_unix_nano = 2**64 - 1
    answer = send(store.otlp, "logs", log_request([make_record("fine"), bad]))
    assert ExportLogsServiceResponse.FromString(answer.content).partial_success.rejected_log_records == 1


def test_a_span_sent_twice_counts_once(store: StoreProcess) -> None:
    request = trace_request([make_span("sent twice", service="x")], "twice")
    trace_id = request.resource_spans[0].scope_spans[0].spans[0].trace_id
    for _ in range(2):
        send(store.otlp, "traces", request)
    has_spans(store, trace_id, 1)
    calls = 'traces_spanmetrics_calls_total{service_name="twice"'
    eventually(lambda: store.metric('telemetry_store_items_dropped_total{reason="duplicate"') >= 1, "it is dropped")
    assert store.metric(calls) == 1


def test_a_trace_in_pieces_is_one_trace(store: StoreProcess) -> None:
    root = make_span("root")
    send(store.otlp, "traces", trace_request([make_span("child", root.trace_id, parent=root.span_id)], "late"))
    has_spans(store, root.trace_id, 1)
    found = http().get(f"{store.url}/api/search", params={"q": '{ resource.service.name = "late" }'}).json()["traces"]
    assert found[0]["rootServiceName"] == "<root span not yet received>"
    send(store.otlp, "traces", trace_request([root], "late"))
    has_spans(store, root.trace_id, 2)
    found = http().get(f"{store.url}/api/search", params={"q": '{ resource.service.name = "late" }'}).json()["traces"]
    assert found[0]["rootServiceName"] == "late"


def test_skewed_clocks_are_taken_as_they_are(store: StoreProcess) -> None:
    now = time.time_ns()
    spans = [make_span("skew", start=now - 10**18), make_span("skew", start=now + 10**17), make_span("skew", start=0)]
    backwards = make_span("skew")
    backwards.end_time_unix_nano = backwards.start_time_unix_nano - 5_000_000
    assert send(store.otlp, "traces", trace_request([*spans, backwards], "skewed")).status_code == 200
    for span in (*spans, backwards):
        has_spans(store, span.trace_id, 1)
    answer = http().get(f"{store.url}/api/search", params={"q": '{ name = "skew" && duration < 1ns }'}).json()
    assert [trace["traceID"] for trace in answer["traces"]] == [backwards.trace_id.hex().lstrip("0")]


def test_a_trace_of_ten_thousand_spans(store: StoreProcess) -> None:
    root = make_span("deep 0")
    spans = [root]
    for number in range(1, 10_000):
        spans.append(make_span(f"deep {number % 100}", root.trace_id, parent=spans[-1].span_id))
    send(store.otlp, "traces", trace_request(spans, "deep"), compress=True)
    has_spans(store, root.trace_id, 10_000)
    query = '{ name = "deep 0" } >> { name = "deep 99" }'
    answer = http().get(f"{store.url}/api/search", params={"q": query, "spss": "1"}, timeout=20).json()
    assert answer["traces"][0]["spanSet"]["matched"] == 100


def test_any_unicode_comes_back(store: StoreProcess) -> None:
    text = 'größer 写真 🏠 \x00 \u202e "quoted" \\ back'
    span = make_span(text, größe=text)
    send(store.otlp, "traces", trace_request([span], "unicode"))
    send(store.otlp, "logs", log_request([make_record(text, note=text)], "unicode"))
    has_spans(store, span.trace_id, 1)
    found = json.dumps(http().get(f"{store.url}/api/traces/{span.trace_id.hex()}").json())
    assert json.dumps(text) in found
    answer = http().get(f"{store.url}/api/search", params={"q": '{ .größe =~ "(?s).*写真.*" }'}).json()
    assert len(answer["traces"]) == 1

    def lines() -> list[list[str]]:
        parameters = {"query": '{service_name="unicode"} |= "🏠"'}
        result = http().get(f"{store.url}/loki/api/v1/query_range", params=parameters).json()["data"]["result"]
        return [value for stream in result for value in stream["values"]]

    assert eventually(lines, "the line is found")[0][1] == text


def test_arrays_match_by_any_element(store: StoreProcess) -> None:
    send(store.otlp, "traces", trace_request([make_span("array", tags=["a", "b"], numbers=[1, 2])], "arrays"))
    answers = {}

    def count(query: str) -> int:
        return len(http().get(f"{store.url}/api/search", params={"q": query}).json()["traces"])

    eventually(lambda: count('{ name = "array" }'), "it is searchable")
    for query in ('span.tags = "b"', 'span.tags = "c"', 'span.tags != "b"', "span.numbers > 1", 'span.tags =~ "[xa]"'):
        answers[query] = count(f'{{ resource.service.name = "arrays" && {query} }}')
    found = {query for query, traces in answers.items() if traces}
    assert found == {'span.tags = "b"', "span.numbers > 1", 'span.tags =~ "[xa]"'}


def test_a_full_queue_answers_429_with_retry_after_and_loses_nothing_it_took(tmp_path: Path) -> None:
    with running_store(tmp_path, "--queue-items", "100", "--flush-seconds", "2") as small:
        answers = [send(small.otlp, "traces", trace_request([make_span() for _ in range(40)])) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert answers[-1].headers["retry-after"] == "1"
        assert small.metric('telemetry_store_items_refused_total{signal="traces"}') == 80
        stored = 'telemetry_store_items_stored_total{signal="traces"}'
        eventually(lambda: small.metric(stored) == 80, "what was accepted is written", within=8)
        assert send(small.otlp, "traces", trace_request([make_span()])).status_code == 200


def test_unknown_paths_and_methods(store: StoreProcess) -> None:
    assert http().get(f"{store.otlp}/v1/traces").status_code == 405
    assert http().post(f"{store.otlp}/v1/profiles").status_code == 404
