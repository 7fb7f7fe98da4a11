"""Exponential histograms through the real Prometheus."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, AGGREGATION_TEMPORALITY_DELTA

from telemetry_store.metrics.native import NativeHistograms
from tests.unit.servers import free_port
from tests.unit.telemetry_store.otlp import attributes, make_span, send, trace_request
from tests.unit.telemetry_store.process import StoreProcess, http
from tests.unit.waiting import eventually

CONFIGURATION = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: native
    honor_labels: true
    metrics_path: /metrics/native
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: store
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def histogram_request(scale: int, values: dict[int, int], delta: bool = False) -> ExportMetricsServiceRequest:
    """A request with one exponential histogram; `values` are counts by bucket index."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes({"service.name": "cv_model"}))
    metric = group.scope_metrics.add().metrics.add(name="http.server.duration.exponential", unit="s")
    histogram = metric.exponential_histogram
    histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA if delta else AGGREGATION_TEMPORALITY_CUMULATIVE
    point = histogram.data_points.add(scale=scale, count=sum(values.values()), time_unix_nano=time.time_ns())
    point.attributes.extend(attributes({"http.route": "/v1/score"}))
    point.positive.offset = min(values)
    point.positive.bucket_counts.extend(values.get(index, 0) for index in range(min(values), max(values) + 1))
    point.sum = sum(count * 2 ** ((index + 0.5) * 2**-scale) for index, count in values.items())
    exemplar = point.exemplars.add(as_double=1.5, time_unix_nano=time.time_ns(), span_id=bytes(7) + b"\1")
    exemplar.trace_id = bytes(15) + b"\7"
    return request


@pytest.fixture(scope="module")
def prometheus(store: StoreProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real Prometheus, scraping the store."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed")
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=store.http_port))
    process = _start_prometheus(binary, folder, port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=15)


def _start_prometheus(binary: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage,native-histograms"]
    environment = {**os.environ, "GOMAXPROCS": "1"}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def ask(prometheus: str, query: str) -> list[dict[str, Any]]:
    """An instant query's result; empty while Prometheus starts."""
    try:
        answer = http().get(f"{prometheus}/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return []
    return answer.json()["data"]["result"] if answer.status_code == 200 else []


def test_prometheus_reads_quantiles_from_the_native_histogram(store: StoreProcess, prometheus: str) -> None:
    # Bucket 0 of scale 0 covers (1, 2] and bucket 2 (4, 8]: nine values in the first, one in the last.
    assert send(store.otlp, "metrics", histogram_request(0, {0: 9, 2: 1})).status_code == 200
    query = 'histogram_quantile(0.45, http_server_duration_exponential_seconds{service_name="cv_model"})'
    found = eventually(lambda: ask(prometheus, query), "Prometheus has the native histogram", within=30)
    assert found[0]["metric"]["http_route"] == "/v1/score"
    assert 1.0 < float(found[0]["value"][1]) <= 1.6
    top = ask(prometheus, "histogram_quantile(1, http_server_duration_exponential_seconds)")
    assert float(top[0]["value"][1]) == pytest.approx(8.0)


def test_prometheus_returns_the_native_histograms_exemplar(store: StoreProcess, prometheus: str) -> None:
    send(store.otlp, "metrics", histogram_request(0, {0: 9, 2: 1}))
    parameters = {
        "query": "http_server_duration_exponential_seconds",
        "start": time.time() - 60,
        "end": time.time() + 60,
    }

    def exemplars() -> list[dict[str, Any]]:
        try:
            answer = http().get(f"{prometheus}/api/v1/query_exemplars", params=parameters)
        except httpx.TransportError:
            return []
        return answer.json().get("data") or []

    found = eventually(exemplars, "Prometheus returns the exemplar", within=30)
    assert found[0]["exemplars"][0]["labels"]["trace_id"] == "0" * 31 + "7"


def test_prometheus_reads_span_metrics_with_exemplars(store: StoreProcess, prometheus: str) -> None:
    span = make_span("exemplified", ms=30)
    send(store.otlp, "traces", trace_request([span], "feature_store"))
    query = 'traces_spanmetrics_calls_total{service_name="feature_store",span_name="exemplified"}'
    found = eventually(lambda: ask(prometheus, query), "Prometheus has the span metric", within=30)
    assert found[0]["metric"]["span_kind"] == "SPAN_KIND_INTERNAL"
    assert found[0]["value"][1] == "1"
    parameters = {
        "query": 'traces_spanmetrics_latency_bucket{span_name="exemplified"}',
        "start": 0,
        "end": time.time() + 9,
    }
    answer = http().get(f"{prometheus}/api/v1/query_exemplars", params=parameters).json()
    assert answer["data"][0]["exemplars"][0]["labels"]["trace_id"] == span.trace_id.hex()


def test_high_scales_are_merged_down_to_what_prometheus_takes() -> None:
    histograms = NativeHistograms()
    histograms.take(histogram_request(20, {-5: 1, 4095: 2, 4096: 3}))
    exposed = histograms.expose()
    assert b"http_server_duration_exponential_seconds" in exposed
    (family,) = histograms._families.values()
    (series,) = family.values()
    assert series.scale == 8
    # Twelve halvings: index >> 12, rounding down below zero too.
    assert series.positive == {-1: 1, 0: 2, 1: 3}


def test_deltas_add_up_and_cumulative_values_replace() -> None:
    deltas, cumulative = NativeHistograms(), NativeHistograms()
    for _ in range(3):
        deltas.take(histogram_request(0, {0: 2, 1: 1}, delta=True))
        cumulative.take(histogram_request(0, {0: 2, 1: 1}))
    counts = [next(iter(next(iter(h._families.values())).values())).count for h in (deltas, cumulative)]
    assert counts == [9, 3]


def test_other_metrics_are_refused_in_a_partial_success(store: StoreProcess) -> None:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="plain")
    metric.gauge.data_points.add(as_int=1)
    answer = send(store.otlp, "metrics", request)
    assert answer.status_code == 200
    assert b"only exponential histograms" in answer.content
