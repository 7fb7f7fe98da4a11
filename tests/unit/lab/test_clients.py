"""The clients read what Tempo 3, Loki 3.7 and Prometheus answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from lab.clients.gateway import Ask, Gateway, GatewayError
from lab.clients.http import BackendError
from lab.clients.loki import Loki, log_query
from lab.clients.prometheus import Prometheus
from lab.clients.tempo import Tempo, parse_trace, trace_query

RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "gateway"}}]}
SPAN = {
    "traceId": "AAAAAAAAAAAAAAAAAAAABA==",
    "spanId": "AAAAAAAAAQE=",
    "parentSpanId": "AAAAAAAAAQA=",
    "name": "POST",
    "kind": "SPAN_KIND_CLIENT",
    "startTimeUnixNano": "1795445497712798049",
    "endTimeUnixNano": "1795445497748798049",
    "attributes": [
        {"key": "http.response.status_code", "value": {"intValue": "200"}},
        {"key": "degraded", "value": {"boolValue": False}},
        {"key": "bins", "value": {"arrayValue": {"values": [{"doubleValue": 0.5}]}}},
    ],
    "events": [{"timeUnixNano": "5", "name": "exception", "attributes": []}],
    "links": [{"traceId": "AAAAAAAAAAAAAAAAAAAABQ==", "spanId": "AAAAAAAAAQI="}],
    "status": {"code": "STATUS_CODE_ERROR", "message": "refused"},
}
BATCH = {"resource": RESOURCE, "scopeSpans": [{"scope": {"name": "case"}, "spans": [SPAN]}]}


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(handler))


def always(status: int, body: Any) -> httpx.Client:
    return answering(lambda _: httpx.Response(status, **({"text": body} if isinstance(body, str) else {"json": body})))


@pytest.mark.parametrize("body", [{"batches": [BATCH]}, {"trace": {"resourceSpans": [BATCH]}, "metrics": {}}])
def test_a_trace_of_either_version_becomes_typed_spans(body: dict[str, Any]) -> None:
    (span,) = parse_trace(body)

    assert span.trace_id == "00000000000000000000000000000004"
    assert (span.span_id, span.parent_id) == ("0000000000000101", "0000000000000100")
    assert (span.service, span.kind, span.status, span.status_message) == ("gateway", "client", "error", "refused")
    assert span.duration_ms == 36
    assert span.attributes == {"http.response.status_code": 200, "degraded": False, "bins": (0.5,)}
    assert span.events[0].name == "exception"
    assert span.links[0].span_id == "0000000000000102"


def test_ids_in_hex_are_understood_as_well() -> None:
    row = {**SPAN, "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "parentSpanId": ""}
    (span,) = parse_trace({"batches": [{**BATCH, "scopeSpans": [{"spans": [row]}]}]})

    assert (span.trace_id, span.span_id, span.parent_id) == (row["traceId"], "eee19b7ec3c1b174", "")


def test_an_unknown_trace_is_empty_and_a_bad_id_is_an_error() -> None:
    assert Tempo("http://tempo", always(404, "")).trace("f" * 32) == []
    with pytest.raises(BackendError, match="'xyz' is no trace id"):
        Tempo("http://tempo", always(400, "trace IDs can only contain hex characters")).trace("xyz")


def test_a_store_in_trouble_is_not_the_ids_fault() -> None:
    with pytest.raises(BackendError, match="Tempo refuses: out of memory") as caught:
        Tempo("http://tempo", always(503, "out of memory")).trace("f" * 32)
    assert caught.value.status == 503


@pytest.mark.parametrize("typed", ["../search", "a b", "a\n", "?limit=1"])
def test_whatever_is_typed_as_an_id_stays_one_part_of_the_path(typed: str) -> None:
    paths: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(404)

    assert Tempo("http://tempo", answering(handler)).trace(typed) == []
    assert paths == [b"/api/traces/" + quote(typed, safe="").encode()]


def test_a_search_asks_in_tempos_words_and_pads_ids() -> None:
    asked: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        stats = {"cv_model": {"spanCount": 2, "errorCount": 2}, "nlp_model": {"spanCount": 3}}
        row = {
            "traceID": "1a",
            "rootServiceName": "gateway",
            "startTimeUnixNano": "5",
            "durationMs": 247,
            "serviceStats": stats,
        }
        return httpx.Response(200, json={"traces": [row]})

    (found,) = Tempo("http://tempo", answering(handler)).search("{ status = error }", 10.7, 20.2, limit=5)

    assert dict(asked[0].params) == {"q": "{ status = error }", "limit": "5", "start": "10", "end": "21"}
    assert found.trace_id == "0000000000000000000000000000001a"
    assert (found.error_spans, found.spans_by_service["nlp_model"]) == (2, 3)


def test_a_trace_query_holds_what_is_asked_for() -> None:
    assert trace_query() == "{ }"
    assert trace_query(min_duration_s=1.5, errors=True) == "{ trace:duration >= 1500ms && status = error }"
    assert trace_query(service='a "b"') == '{ resource.service.name = "a \\"b\\"" }'


def test_a_backend_that_is_down_names_the_next_step() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(BackendError, match="cannot be reached") as caught:
        Tempo("http://tempo", answering(handler)).search()
    assert "faultline up" in caught.value.next_step


def test_log_lines_of_all_streams_come_in_order() -> None:
    def stream(service: str, *times: int) -> dict[str, Any]:
        labels = {"service_name": service, "severity_text": "ERROR", "trace_id": "ab"}
        return {"stream": labels, "values": [[str(time), f"line {time}"] for time in times]}

    body = {"data": {"resultType": "streams", "result": [stream("cv_model", 3, 1), stream("gateway", 2)]}}
    lines = Loki("http://loki", always(200, body)).lines("{}", 0, 1)

    assert [(line.time_ns, line.service) for line in lines] == [(1, "cv_model"), (2, "gateway"), (3, "cv_model")]
    assert (lines[0].level, lines[0].trace_id) == ("ERROR", "ab")


def test_a_log_query_quotes_what_people_type() -> None:
    query = log_query(service="cv_model", trace_id="ab", contains='say "no"')

    assert query == '{service_name="cv_model"} |= "say \\"no\\"" | trace_id="ab"'
    assert log_query() == '{service_name=~".+"}'


def test_prometheus_vectors_matrices_and_exemplars_become_samples() -> None:
    series = {"service_name": "gateway"}
    vector = {"data": {"resultType": "vector", "result": [{"metric": series, "value": [5, "1.5"]}]}}
    matrix = {"data": {"resultType": "matrix", "result": [{"metric": series, "values": [[5, "1"], [10, "NaN"]]}]}}
    exemplar = {"labels": {"trace_id": "ab"}, "value": "0.1", "timestamp": 5.5}
    exemplars = {"data": [{"seriesLabels": series, "exemplars": [exemplar]}]}

    (sample,) = Prometheus("http://prometheus", always(200, vector)).query("up")
    assert (sample.labels, sample.value) == (series, 1.5)
    (sample,) = Prometheus("http://prometheus", always(200, matrix)).query_range("up", 0, 10, 5)
    assert len(sample.points) == 2
    (found,) = Prometheus("http://prometheus", always(200, exemplars)).exemplars("x", 0, 10)
    assert (found.trace_id, found.value) == ("ab", 0.1)


def test_a_refused_query_tells_the_backends_own_words() -> None:
    with pytest.raises(BackendError, match="parse error") as caught:
        Prometheus("http://prometheus", always(400, "parse error at char 3")).query("up{")
    assert caught.value.status == 400


def test_a_prediction_is_sent_as_a_form_with_key_and_baggage() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"trace_id": "ab"})

    ask = Ask("U000001", "L000001", "Sunny.", b"\xff\xd8 photo")
    answer = Gateway("http://gateway", "key", answering(handler)).predict(ask, baggage="session.id=1")

    assert answer == {"trace_id": "ab"}
    assert seen[0].headers["x-api-key"] == "key"
    assert seen[0].headers["baggage"] == "session.id=1"
    assert b"\xff\xd8 photo" in seen[0].content


def test_a_problem_document_becomes_a_sentence() -> None:
    problem = {"title": "Not Found", "detail": "no listing L9", "request_id": "r-1", "trace_id": "ab"}
    gateway = Gateway("http://gateway", "key", always(404, problem))

    with pytest.raises(GatewayError, match=r"404\. Not Found: no listing L9") as caught:
        gateway.predict(Ask("U", "L9", "", b""))
    assert (caught.value.status, caught.value.trace_id) == (404, "ab")
