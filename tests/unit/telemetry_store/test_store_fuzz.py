"""Nothing sent or asked makes the store crash, hang, or answer 5xx."""

import contextlib
import gzip
import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_store.errors import QueryError
from telemetry_store.logql.parse import parse as parse_logql
from telemetry_store.traceql.parse import parse as parse_traceql
from tests.unit.telemetry_store.otlp import PROTOBUF, log_request, make_record, make_span, trace_request
from tests.unit.telemetry_store.process import StoreProcess, http
from tests.unit.waiting import eventually

BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
REQUESTS = {
    "traces": trace_request([make_span("fuzz", n=1, tags=["a"], ok=True, share=0.5)]).SerializeToString(),
    "logs": log_request([make_record("fuzz", n=1)]).SerializeToString(),
    "metrics": b"",
}
_TRACEQL = """
    { } ( ) && || > >> < << ~ !> &>> = != =~ !~ | ! - + * / % ^ , . name status error kind server duration traceDuration
    rootName nil true span.n resource.service.name .tags event.k event:name link:spanID "fuzz" `.*` "(" 1 .5 1e300 10ms
    9223372036854775808 count() avg(duration) by(name) select(name) rate() coalesce() quantile_over_time(duration,.9)
    with(x=true) trace:id span:parentID
"""
_LOGQL = """
    { } ( ) [5m] [1s] | |= != |~ !~ = =~ == > <= , json logfmt line_format "{{.n}}" service_name "gateway" ".+" "(" n 1
    5ms 3KB and or unless sum by without rate count_over_time bytes_rate topk 2 vector(1) offset + / ^ bool unwrap ip( #
    {service_name=~".+"}
"""
_JSON = """
    resourceSpans scopeSpans spans traceId spanId attributes key value stringValue kvlistValue values arrayValue
    intValue events links status kind startTimeUnixNano resourceLogs scopeLogs logRecords body resourceMetrics
    scopeMetrics metrics exponentialHistogram dataPoints scale positive
"""


def sentence(words: str) -> st.SearchStrategy[str]:
    """Words of the language in any order, now and then with something that is none."""
    noise = st.text(alphabet=string.printable + "ü写\x00", max_size=6)
    return st.lists(st.sampled_from(words.split()) | noise, max_size=25).map(" ".join)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_JSON.split()), inner, max_size=5),
    max_leaves=30,
)


def _post(store: StoreProcess, signal: str, body: bytes, **headers: str) -> None:
    answer = http().post(f"{store.otlp}/v1/{signal}", content=body, headers=headers)
    assert answer.status_code in {200, 400, 413, 415, 429}, answer.status_code


@pytest.mark.parametrize("signal", list(REQUESTS))
@BOUNDED
@given(data=st.data())
def test_broken_protobuf(store: StoreProcess, signal: str, data: st.DataObject) -> None:
    body = bytearray(data.draw(st.just(REQUESTS[signal]) | st.binary(max_size=200)))
    for _ in range(data.draw(st.integers(0, 4))):
        if body:
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    headers = {"content-type": PROTOBUF}
    _post(store, signal, bytes(body), **headers)
    _post(
        store,
        signal,
        gzip.compress(bytes(body))[: data.draw(st.integers(0, 200))],
        **headers,
        **{"content-encoding": "gzip"},
    )


@pytest.mark.parametrize("signal", list(REQUESTS))
@BOUNDED
@given(content=JSON)
def test_any_json(store: StoreProcess, signal: str, content: Any) -> None:
    _post(store, signal, json.dumps(content).encode(), **{"content-type": "application/json"})


@MANY
@given(text=sentence(_TRACEQL))
def test_the_traceql_parser_answers_or_refuses(text: str) -> None:
    with contextlib.suppress(QueryError):
        parse_traceql(text)


@MANY
@given(text=sentence(_LOGQL))
def test_the_logql_parser_answers_or_refuses(text: str) -> None:
    with contextlib.suppress(QueryError):
        parse_logql(text)


def _ask(store: StoreProcess, path: str, parameters: dict[str, str]) -> None:
    answer = http().get(store.url + path, params=parameters)
    assert answer.status_code in {200, 307, 400, 404, 422}, (answer.status_code, path, parameters)


@BOUNDED
@given(text=sentence(_TRACEQL))
def test_any_traceql_over_http(store: StoreProcess, text: str) -> None:
    _ask(store, "/api/search", {"q": text})
    _ask(store, "/api/search", {"q": "{ " + text + " }"})
    _ask(store, "/api/metrics/query_range", {"q": "{ " + text + " } | rate() by (" + text + ")", "step": "60s"})


@BOUNDED
@given(
    left=st.sampled_from(["span.n", ".tags", "duration", "name", "status", "event.k", ".share", "trace:id", "span.ok"]),
    op=st.sampled_from(["=", "!=", ">", "<=", "=~", "!~", "+", "&&", "^"]),
    right=st.sampled_from(["1", "-1.5", '"fuzz"', "true", "error", "nil", "10ms", ".n", "resource.service.name", "0"]),
)
def test_any_types_side_by_side(store: StoreProcess, left: str, op: str, right: str) -> None:
    for query in (f"{{ {left} {op} {right} }}", f"{{ {right} {op} {left} = 1 }}", f"{{ !({left} {op} {right}) }}"):
        _ask(store, "/api/search", {"q": query})


@BOUNDED
@given(text=sentence(_LOGQL))
def test_any_logql_over_http(store: StoreProcess, text: str) -> None:
    every = '{service_name=~".+"}'
    for query in (text, f"{every} {text}", f"sum by (n) (count_over_time({every} {text} [5m]))"):
        _ask(store, "/loki/api/v1/query_range", {"query": query})


@BOUNDED
@given(
    name=st.sampled_from(
        ["start", "end", "limit", "spss", "step", "tags", "minDuration", "since", "direction", "time"]
    ),
    value=st.text(max_size=12) | st.integers().map(str) | st.floats().map(str),
)
def test_any_parameter(store: StoreProcess, name: str, value: str) -> None:
    _ask(store, "/api/search", {name: value})
    _ask(store, "/api/metrics/query_range", {"q": "{}|rate()", name: value})
    _ask(store, "/loki/api/v1/query_range", {"query": '{service_name="x"}', name: value})
    _ask(store, "/loki/api/v1/query", {"query": 'rate({service_name="x"}[1m])', name: value})


@BOUNDED
@given(name=st.text(max_size=20))
def test_any_path(store: StoreProcess, name: str) -> None:
    part = quote(name, safe="/")
    for path in (f"/api/traces/{part}", f"/api/v2/search/tag/{part}/values", f"/loki/api/v1/label/{part}/values"):
        _ask(store, path, {})


MONSTERS = [
    # As large as is allowed …
    "{} " + "&& {} " * 199,
    "{} " + ">> {} " * 199,
    "{ .a" + " && .a" * 199 + " }",
    "{ .a" + " + .n" * 190 + " = 1 }",
    "{" + "(" * 58 + "true" + ")" * 58 + "}",
    "{ " + "!" * 59 + "true }",
    "1" + " + 1" * 199,
    "(" * 59 + "1" + ")" * 59,
    # … and larger.
    "{" + "(" * 20_000,
    "{ " + "!" * 5_000 + "true }",
    "{ .a = " + "-" * 5_000 + "1 }",
    "{ .a" + " + .a" * 3_000 + " = 1 }",
    "{} " + "&& {} " * 2_000,
    "{}" + "| by(name) " * 800,
    '{ name =~ "' + "(a+)+" * 50 + 'b" }',
]


@pytest.mark.parametrize("query", MONSTERS, ids=lambda query: query[:20])
def test_monstrous_queries(store: StoreProcess, query: str) -> None:
    _ask(store, "/api/search", {"q": query})
    _ask(store, "/loki/api/v1/query_range", {"query": query})


NINES, HOURS = "9" * 400, "2562047h"  # the longest that 64 bits of nanoseconds hold
EVERY_LINE = '{service_name=~".+"}'
HUGE: list[tuple[str, dict[str, str]]] = [
    ("/api/search", {"q": f"{{ duration > {NINES}h }}"}),
    ("/api/search", {"q": f"{{ span.n = {NINES * 12} }}"}),
    ("/api/search", {"q": "{}", "minDuration": f"{NINES}s"}),
    ("/api/metrics/query_range", {"q": "{} | rate()", "step": f"{NINES}h"}),
    ("/api/metrics/query_range", {"q": "{} | rate()", "step": HOURS}),
    ("/api/metrics/query_range", {"q": "{} | rate()", "since": HOURS, "step": HOURS}),
    ("/api/metrics/query_range", {"q": "{} | rate()", "step": "1ns", "start": "0", "end": str(2**63 - 1)}),
    ("/loki/api/v1/query_range", {"query": f"rate({EVERY_LINE}[{NINES}y])"}),
    ("/loki/api/v1/query_range", {"query": f"rate({EVERY_LINE}[290y] offset 290y)"}),
    ("/loki/api/v1/query_range", {"query": f"topk(1e999, rate({EVERY_LINE}[1m]))"}),
    ("/loki/api/v1/query_range", {"query": f"{EVERY_LINE} | n > {NINES}s"}),
    ("/loki/api/v1/query_range", {"query": f"rate({EVERY_LINE}[1m])", "step": f"{NINES}y"}),
    (
        "/loki/api/v1/query_range",
        {"query": f"rate({EVERY_LINE}[1m])", "step": "1ns", "start": "0.0", "end": "999999999999.0"},
    ),
    ("/loki/api/v1/query", {"query": f"rate({EVERY_LINE}[1m])", "time": "999999999999.0"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "parameters"), HUGE)
def test_numbers_beyond_what_is_computed_with(store: StoreProcess, path: str, parameters: dict[str, str]) -> None:
    for signal, body in REQUESTS.items():
        _post(store, signal, body, **{"content-type": PROTOBUF})
    _ask(store, path, parameters)


METRICS = ("quantile_over_time(span.wild, .5, 1)", "sum_over_time(span.wild)", "max_over_time(span.wild)")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("source", ['{ name = "wild" }', '{ name = "wild" } | count() > 0'], ids=["sql", "search"])
def test_values_that_are_hardly_numbers(store: StoreProcess, source: str, metric: str) -> None:
    wild = [make_span("wild", wild=value) for value in (float("inf"), float("nan"), -float("inf"), 1.7e308, 3.0)]
    _post(store, "traces", trace_request(wild).SerializeToString(), **{"content-type": PROTOBUF})

    def found() -> bool:
        answer = http().get(f"{store.url}/api/metrics/query_range", params={"q": f"{source} | {metric}", "step": "60s"})
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["series"])

    eventually(found, "what is a number is counted")


def test_the_store_still_lives_after_all_that(store: StoreProcess) -> None:
    assert store.process is not None
    assert store.process.poll() is None
    assert store.metric('telemetry_store_items_dropped_total{reason="write_failed"') == 0
    eventually(lambda: store.metric("telemetry_store_queue_items") == 0, "the queue is empty")
