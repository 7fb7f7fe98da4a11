"""Metrics: made from their declaration, named once, exposed on a port of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from chassis import semconv
from chassis.metrics import Metrics, RunQueueWaits
from chassis.ports import MetricsServer
from chassis.semconv import Metric
from chassis.telemetry import Telemetry
from tests.unit.signals import Signals

JOBS = Metric("jobs_total", "counter", "1", "Jobs.", ("queue", "result"))
OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}


@pytest.fixture
def server(telemetry: Telemetry) -> Iterator[MetricsServer]:
    server = MetricsServer(telemetry, "127.0.0.1", 0)
    server.start()
    yield server
    server.stop()


def test_labels_are_named_in_any_order(telemetry: Telemetry, signals: Signals) -> None:
    telemetry.count(JOBS, queue="a", result="b")
    telemetry.count(JOBS, 2, result="b", queue="a")
    telemetry.count(JOBS, result="a", queue="b")
    assert signals.metric("jobs_total", queue="a", result="b") == 3
    assert signals.metric("jobs_total", queue="b", result="a") == 1


def test_a_series_that_was_ended_is_not_shown_and_begins_anew(telemetry: Telemetry, signals: Signals) -> None:
    for queue in ("a", "b"):
        telemetry.count(JOBS, 5, queue=queue, result="done")
    telemetry.count(JOBS, 5, result="done", queue="a")
    telemetry.metrics.forget(JOBS, lambda labels: labels["queue"] == "a")
    assert [signals.metric("jobs_total", queue=queue, result="done") for queue in ("a", "b")] == [0, 5]
    telemetry.count(JOBS, queue="a", result="done")
    assert signals.metric("jobs_total", queue="a", result="done") == 1


@pytest.mark.parametrize(
    "labels", [{}, {"queue": "a"}, {"queue": "a", "result": "b", "user": "c"}, {"q": "a", "r": "b"}]
)
def test_labels_other_than_declared_are_refused(telemetry: Telemetry, labels: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="jobs_total"):
        telemetry.count(JOBS, **labels)


def test_a_metric_nobody_feeds_is_not_shown() -> None:
    names = {family.name for family in Metrics("x").registry.collect()}
    assert names <= {
        "process_resident_memory_bytes",
        "process_cpu_seconds",
        "process_threads",
        "process_open_fds",
        "process_start_time_seconds",
        "process_run_queue_wait_seconds",
        "host_cpu_pressure_seconds",
    }


def test_what_a_thread_has_waited_stays_counted_when_it_ends(tmp_path: Path) -> None:
    def waited(thread: int, seconds: float) -> None:
        (tmp_path / str(thread)).mkdir(exist_ok=True)
        (tmp_path / str(thread) / "schedstat").write_text(f"1 {seconds * 1e9:.0f} 1\n")

    waits = RunQueueWaits(tmp_path)
    waited(1, 2)
    waited(2, 3)
    assert waits.total() == 5
    shutil.rmtree(tmp_path / "2")
    waited(1, 2.5)
    assert waits.total() == 5.5
    waited(2, 1)  # another thread under the same number
    assert waits.total() == 6.5
    waited(1, 0)  # one that began and ended between two looks
    assert waits.total() == 6.5


def test_a_gauge_can_ask(telemetry: Telemetry, signals: Signals) -> None:
    waiting = [1, 2, 3]
    telemetry.gauge_callback(semconv.POOL_WAITING, lambda: len(waiting), pool="redis")
    waiting.append(4)
    assert signals.metric("pool_waiting", pool="redis") == 4
    telemetry.gauge(semconv.POOL_LIMIT, 8, pool="redis")
    assert signals.metric("pool_limit", pool="redis") == 8


def test_every_series_carries_the_service(telemetry: Telemetry) -> None:
    telemetry.count(JOBS, queue="a", result="b")
    telemetry.observe(semconv.EVENT_LOOP_LAG, 0.001)
    samples = [sample for family in telemetry.metrics.registry.collect() for sample in family.samples]
    assert len(samples) > 10
    assert {sample.labels["service_name"] for sample in samples} == {"service_under_test"}


def test_the_process_is_measured(telemetry: Telemetry, signals: Signals) -> None:
    assert signals.metric("process_resident_memory_bytes") > 10_000_000
    assert signals.metric("process_cpu_seconds_total") > 0
    assert signals.metric("process_threads") >= 1
    assert signals.metric("process_open_fds") > 2
    assert signals.metric("process_start_time_seconds") > 1.7e9


def test_a_kernel_that_keeps_no_pressure_costs_that_series_alone(
    telemetry: Telemetry, signals: Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where it was switched off at boot, the file is there on some kernels and cannot be read: here, a folder."""
    monkeypatch.setattr("chassis.metrics.PRESSURE", tmp_path)
    assert signals.metric("process_cpu_seconds_total") > 0
    assert "host_cpu_pressure_seconds" not in {family.name for family in telemetry.metrics.registry.collect()}


def test_openmetrics_shows_exemplars_and_text_does_not(telemetry: Telemetry, server: MetricsServer) -> None:
    with telemetry.span("work"):
        trace_id = telemetry.trace_id()
        telemetry.observe(semconv.PREDICTION_DURATION, 0.09, outcome="complete")
    url = f"http://127.0.0.1:{server.port}/metrics"
    answer = httpx.get(url, headers=OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    exemplars = [
        (sample.labels["le"], sample.exemplar.labels["trace_id"])
        for family in parse_openmetrics(answer.text)
        for sample in family.samples
        if sample.exemplar
    ]
    assert exemplars == [("0.1", trace_id)]
    text = httpx.get(url)
    assert text.headers["content-type"].startswith("text/plain")
    assert "prediction_duration_seconds" in {family.name for family in parse_text(text.text)}
    assert "trace_id" not in text.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/metrics/../x", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/metrics", 405),
    ],
)
def test_nothing_else_is_there(server: MetricsServer, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, f"http://127.0.0.1:{server.port}{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_declared_metric_can_be_made() -> None:
    """What its name, help, buckets and labels are to look like, tests/contract/test_names.py says."""
    metrics = Metrics("x")
    for metric in semconv.METRICS:
        if not metric.name.startswith("process_"):  # the process collector makes those
            metrics.series(metric, dict.fromkeys(metric.labels, "x"))


@pytest.mark.parametrize("native", semconv.NATIVE_HISTOGRAMS, ids=lambda native: native.name)
def test_a_native_histogram_is_scraped_under_the_name_that_translation_gives_it(
    native: semconv.NativeHistogram,
) -> None:
    assert native.scraped == native.name.replace(".", "_") + "_seconds"
