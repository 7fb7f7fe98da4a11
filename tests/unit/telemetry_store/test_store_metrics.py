"""Span metrics, the service graph, and the store's own counters."""

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.metrics.service_graph import WAIT_SECONDS, ServiceGraph
from telemetry_store.metrics.span_metrics import SERIES_LIMIT, SpanMetrics
from tests.unit.telemetry_store.otlp import make_span, send, trace_request
from tests.unit.telemetry_store.process import StoreProcess, http
from tests.unit.waiting import eventually

OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}


def samples(collector: ServiceGraph | SpanMetrics, name: str) -> dict[tuple[str, ...], float]:
    """A metric's samples by the values of their labels."""
    every = [sample for metric in collector.collect() for sample in metric.samples]
    return {tuple(sample.labels.values()): sample.value for sample in every if sample.name == name}


def test_span_metrics_of_one_service(store: StoreProcess) -> None:
    spans = [make_span("timed", ms=ms, kind=Span.SPAN_KIND_SERVER) for ms in (4, 40, 400)]
    spans.append(make_span("timed", ms=40, kind=Span.SPAN_KIND_SERVER, error=True))
    send(store.otlp, "traces", trace_request(spans, "measured"))
    prefix = '{service_name="measured",span_kind="SPAN_KIND_SERVER",span_name="timed",status_code="STATUS_CODE_UNSET"}'

    def page() -> dict[str, str]:
        text = http().get(f"{store.url}/metrics", headers=OPENMETRICS).text
        return dict(line.split(" ", 1) for line in text.splitlines() if "measured" in line)

    def value(found: dict[str, str], name: str, le: str = "") -> float:
        labels = prefix if not le else '{le="' + le + '",' + prefix[1:]
        wanted = [text for key, text in found.items() if _same(key, name + labels)]
        return float(wanted[0].split(" ")[0])

    eventually(page, "span metrics are there")
    found = page()
    assert value(found, "traces_spanmetrics_calls_total") == 3
    assert value(found, "traces_spanmetrics_latency_bucket", "0.1") == 2
    assert value(found, "traces_spanmetrics_latency_bucket", "+Inf") == 3
    assert abs(value(found, "traces_spanmetrics_latency_sum") - 0.444) < 1e-6
    assert any(spans[0].trace_id.hex() in text and "# {" in text for text in found.values())


def _same(left: str, right: str) -> bool:
    """Whether two series are one, whatever the order of their labels."""
    parts = [text.rstrip("}").replace("{", ",").split(",") for text in (left, right)]
    return sorted(parts[0]) == sorted(parts[1])


def test_an_edge_is_made_whichever_half_comes_first() -> None:
    for first in (0, 1):
        graph = ServiceGraph(OwnMetrics())
        call = make_span("POST", kind=Span.SPAN_KIND_CLIENT, ms=9)
        served = make_span("POST /", call.trace_id, parent=call.span_id, kind=Span.SPAN_KIND_SERVER, ms=7)
        halves = [(call, "gateway"), (served, "orchestrator")]
        for span, service in (halves[first], halves[1 - first]):
            graph.observe(span, service)
        key = ("gateway", "orchestrator", "", "false")
        assert samples(graph, "traces_service_graph_request_total") == {key: 1}
        assert samples(graph, "traces_service_graph_request_client_seconds_sum") == {key: 0.009}
        assert samples(graph, "traces_service_graph_request_server_seconds_sum") == {key: 0.007}


def test_a_failed_half_fails_the_edge() -> None:
    graph = ServiceGraph(OwnMetrics())
    call = make_span("POST", kind=Span.SPAN_KIND_CLIENT)
    graph.observe(call, "gateway")
    graph.observe(
        make_span("x", call.trace_id, parent=call.span_id, kind=Span.SPAN_KIND_SERVER, error=True), "cv_model"
    )
    assert samples(graph, "traces_service_graph_request_failed_total") == {("gateway", "cv_model", "", "true"): 1}


def test_databases_and_users_need_no_second_half() -> None:
    graph = ServiceGraph(OwnMetrics())
    graph.observe(make_span("GET", kind=Span.SPAN_KIND_CLIENT, db_system_name="redis"), "feature_store")
    graph.observe(make_span("POST", kind=Span.SPAN_KIND_SERVER), "gateway")
    graph.observe(make_span("inner"), "gateway")
    assert set(samples(graph, "traces_service_graph_request_total")) == {
        ("feature_store", "redis", "database", "false"),
        ("user", "gateway", "virtual_node", "false"),
    }


def test_a_call_that_nobody_serves_names_its_peer_after_a_while() -> None:
    graph = ServiceGraph(OwnMetrics())
    graph.observe(make_span("POST", kind=Span.SPAN_KIND_CLIENT, server_address="cv_model"), "orchestrator")
    assert samples(graph, "traces_service_graph_request_total") == {}
    for half in graph._waiting.values():
        half.expires -= WAIT_SECONDS
    graph._order.extendleft([(0.0, key) for key in graph._waiting])
    assert set(samples(graph, "traces_service_graph_request_total")) == {
        ("orchestrator", "cv_model", "virtual_node", "false")
    }


def test_series_are_bounded_and_what_is_left_out_is_counted() -> None:
    own = OwnMetrics()
    metrics = SpanMetrics(own)
    for number in range(SERIES_LIMIT + 5):
        metrics.observe(make_span(f"name {number}"), "x")
    assert len(samples(metrics, "traces_spanmetrics_calls_total")) == SERIES_LIMIT
    dropped = {"signal": "span_metrics", "reason": "too_many_series"}
    assert own.registry.get_sample_value("telemetry_store_items_dropped_total", dropped) == 5


def test_both_text_formats_are_served(store: StoreProcess) -> None:
    plain = http().get(f"{store.url}/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert "telemetry_store_spans_received_total" in plain.text
    assert http().get(f"{store.url}/metrics", headers=OPENMETRICS).text.endswith("# EOF\n")
