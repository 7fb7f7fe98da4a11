"""Exponential histograms by OTLP."""

from __future__ import annotations

import math

from opentelemetry.sdk.resources import Resource

from chassis import semconv
from chassis.metrics import Metrics
from chassis.native import NativeHistograms
from tests.unit.chassis.collector import Collector, Reply, collecting
from tests.unit.servers import free_port
from tests.unit.waiting import eventually


def histograms(url: str, metrics: Metrics, warnings: list[str], interval_s: float = 60) -> NativeHistograms:
    return NativeHistograms(
        Resource({"service.name": "x"}), url, metrics, warnings.append, interval_s=interval_s, timeout_s=1
    )


def dropped(metrics: Metrics) -> float:
    labels = {"service_name": "x", "signal": "metrics", "reason": "unreachable"}
    return metrics.registry.get_sample_value("telemetry_dropped_items_total", labels) or 0.0


def test_observations_arrive_exponentially_under_otels_names() -> None:
    seconds = [0.01, 0.02, 0.04, 0.08, 1.5]
    with collecting(Collector()) as collector:
        native = histograms(collector.url, Metrics("x"), [])
        for value in seconds:
            native.record(semconv.HTTP_REQUEST_DURATION, value, {"method": "GET", "route": "/v1/predictions"})
        native.record(semconv.BATCH_WAIT, 0.1, {})  # has no twin
        native.shutdown(3)
        assert set(collector.metrics()) == {semconv.NATIVE_HTTP_DURATION}
        metric = collector.metrics()[semconv.NATIVE_HTTP_DURATION]
    (point,) = metric.exponential_histogram.data_points
    assert metric.unit == "s"
    assert {pair.key: pair.value.string_value for pair in point.attributes} == {
        "http.request.method": "GET",
        "http.route": "/v1/predictions",
    }
    assert (point.count, sum(point.positive.bucket_counts)) == (5, 5)
    # Bucket i holds what lies in (base^i, base^(i+1)].
    base = 2 ** (2**-point.scale)
    filled = [point.positive.offset + index for index, count in enumerate(point.positive.bucket_counts) if count]
    assert filled == [math.ceil(math.log(value, base)) - 1 for value in seconds]


def test_a_dead_collector_is_one_warning_and_a_count() -> None:
    metrics, warnings = Metrics("x"), []
    native = histograms(f"http://127.0.0.1:{free_port()}", metrics, warnings, interval_s=0.05)
    native.record(semconv.HTTP_REQUEST_DURATION, 0.1, {"method": "GET", "route": "/"})
    eventually(lambda: dropped(metrics) >= 2, "two exports fail")
    assert len(warnings) == 1
    native.shutdown(1)


def test_totals_survive_a_failed_export() -> None:
    with collecting(Collector(replies=[Reply(503), Reply()])) as collector:
        native = histograms(collector.url, Metrics("x"), [], interval_s=0.1)
        native.record(semconv.HTTP_REQUEST_DURATION, 0.1, {"method": "GET", "route": "/"})
        eventually(collector.metrics, "the second export arrives")
        native.shutdown(1)
        (point,) = collector.metrics()[semconv.NATIVE_HTTP_DURATION].exponential_histogram.data_points
        assert point.count == 1
