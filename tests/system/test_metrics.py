"""What each service measures, on its own port and in Prometheus."""

from __future__ import annotations

import functools
import re
import time
from collections import Counter

import pytest

from chassis import semconv
from lab.clients.telemetry import Span
from services import topology
from tests.system.harness import System
from tests.system.metrics import MetricsPage

DECLARED = {metric.name: metric for metric in semconv.METRICS}
# Emitted when something is wrong, refused or late: a healthy run need not show them.
TROUBLE = {
    semconv.CLIENT_RETRIES,
    semconv.CLIENT_RETRIES_DENIED,
    semconv.DEADLINES_EXCEEDED,
    semconv.FEATURE_DEFAULTS,
    semconv.FEATURE_NULLS,
    semconv.FEATURE_ROWS_DROPPED,
    semconv.LEDGER_DROPPED,
    semconv.MODEL_ERRORS,
    semconv.PREDICTION_PARTS_MISSING,
    semconv.REQUESTS_REJECTED,
}
# Emitted once a window of hundreds of rows is full, which the few predictions here do not bring about.
WINDOWS = {semconv.FEATURE_KS, semconv.FEATURE_WINDOW_ROWS, semconv.FEATURE_WINDOW_CLOSED}
MOST_SERIES = 400  # of one metric in one service: every feature of every version, by its bins
UNBOUNDED = re.compile(r"[UL]\d{6}|[0-9a-f]{16}|https?:|\?")
JOBS = {"services", "telemetry_store", "telemetry_store_native", "redis", "prometheus", "alertmanager"}


@pytest.fixture(scope="module")
def pages(system: System) -> dict[str, MetricsPage]:
    """Every service's page after some predictions, a visit and an outcome."""
    prediction_id = system.predict_many(12)[-1]["prediction_id"]
    visit = {"event_id": f"visit-{prediction_id}", "user_id": "U000001", "session_duration": 60, "items_viewed": 3}
    system.post("/v1/events", json={"events": [{**visit, "saved": 1}]})
    outcome = {"prediction_id": prediction_id, "converted": True, "sale_price": 210_000}
    system.post("/v1/outcomes", json={"outcomes": [outcome]})
    system.eventually(
        lambda: system.metrics("feature_store").value("events_counted_total"), "the visit is counted", within=10
    )
    return {service: system.metrics(service) for service in topology.SERVICES}


def holds(span_id: str, trace: list[Span]) -> bool:
    return span_id in {span.span_id for span in trace}


@pytest.mark.parametrize("service", topology.SERVICES)
def test_requests_are_counted_and_their_latency_leads_to_traces_in_the_store(
    system: System, pages: dict[str, MetricsPage], service: str
) -> None:
    page = pages[service]
    assert page.value("http_requests_total", status="200") >= 12
    exemplars = page.exemplars("http_request_duration_seconds")
    assert exemplars
    for exemplar in exemplars:
        trace_id, span_id = exemplar.labels["trace_id"], exemplar.labels["span_id"]
        system.trace(trace_id, until=functools.partial(holds, span_id))


@pytest.mark.parametrize(
    ("service", "model"), [("nlp_model", "nlp_model"), ("cv_model", "cv_model"), ("orchestrator", "price_model")]
)
def test_each_models_latency_and_values_are_measured_by_version(
    pages: dict[str, MetricsPage], service: str, model: str
) -> None:
    labels = {"model_name": model, "model_version": "v1"}
    page = pages[service]
    for metric in ("model_inference_duration_seconds", "model_prediction_value"):
        assert page.value(f"{metric}_count", **labels) > 0
        assert page.exemplars(metric, **labels)


def test_every_metric_that_a_service_shows_is_declared(pages: dict[str, MetricsPage]) -> None:
    shown = {name for page in pages.values() for name in page.families}
    declared = {name.removesuffix("_total") for name in DECLARED}
    assert shown <= declared


def test_every_declared_metric_is_shown_by_a_healthy_system(pages: dict[str, MetricsPage]) -> None:
    shown = {name for page in pages.values() for name in page.families}
    due = {metric.name for metric in semconv.METRICS if metric not in TROUBLE | WINDOWS}
    assert {name for name in due if name.removesuffix("_total") not in shown} == set()


@pytest.mark.parametrize("service", topology.SERVICES)
def test_labels_are_the_declared_ones_and_their_values_are_few(pages: dict[str, MetricsPage], service: str) -> None:
    series: Counter[str] = Counter()
    for sample in pages[service].samples:
        name = re.sub(r"_(bucket|count|sum)$", "", sample.name)
        assert set(sample.labels) - {"service_name", "le"} == set(DECLARED[name].labels), sample
        assert sample.labels["service_name"] == service
        unbounded = {label: value for label, value in sample.labels.items() if UNBOUNDED.search(value)}
        assert not unbounded, sample
        series[name] += "le" not in sample.labels
    assert max(series.values()) <= MOST_SERIES


def test_prometheus_scrapes_every_target(system: System) -> None:
    def all_up() -> bool:
        targets = {sample.labels["job"]: sample.value for sample in system.prometheus("min by (job) (up)")}
        return set(targets) == JOBS and set(targets.values()) == {1.0}

    system.eventually(all_up, "every target is up", within=60)
    up = system.prometheus('up{job="services"}')
    assert {sample.labels["service_name"] for sample in up} == set(topology.SERVICES)


def test_no_target_shows_an_empty_page(system: System, pages: dict[str, MetricsPage]) -> None:
    query = "scrape_samples_scraped == 0"
    system.eventually(lambda: not system.prometheus(query), "every scrape brings samples", within=30)


@pytest.mark.parametrize("service", topology.SERVICES)
def test_prometheus_returns_exemplars_that_lead_to_traces(
    system: System, pages: dict[str, MetricsPage], service: str
) -> None:
    query = f'http_request_duration_seconds_bucket{{service_name="{service}"}}'
    now = time.time()
    found = system.eventually(
        lambda: system.prom.exemplars(query, now - 600, time.time() + 1), f"exemplars of {service}", within=30
    )
    assert all(len(exemplar.trace_id) == 32 for exemplar in found)
    assert system.trace(found[-1].trace_id, until=bool)


@pytest.mark.parametrize("native", semconv.NATIVE_HISTOGRAMS, ids=lambda native: native.scraped)
def test_native_histograms_are_in_prometheus_and_agree_with_the_classic_ones(
    system: System, pages: dict[str, MetricsPage], native: semconv.NativeHistogram
) -> None:
    def agree() -> bool:
        native_count = system.prometheus(f"sum(histogram_count({native.scraped}))")
        classic_count = system.prometheus(f"sum({native.source.name}_count)")
        return bool(native_count) and native_count[0].value == classic_count[0].value > 0

    system.eventually(agree, f"{native.scraped} counts what {native.source.name} counts", within=45)


def test_latency_quantiles_can_be_read_from_native_histograms(system: System, pages: dict[str, MetricsPage]) -> None:
    query = 'histogram_quantile(0.9, sum(http_server_request_duration_seconds{service_name="gateway"}))'
    (sample,) = system.eventually(lambda: system.prometheus(query), "a quantile can be read", within=45)
    assert 0.001 < sample.value < 5
