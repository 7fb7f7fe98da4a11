"""Exponential histograms of latency, by OTLP, beside the classic ones: for p99.9 panels, not for alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from chassis import semconv
from chassis.exporting import CollectorSession, Warn
from chassis.metrics import Metrics
from chassis.semconv import Metric

Labels = Mapping[str, str]


class NativeHistograms:
    """Records the classic histograms of ``semconv.NATIVE_HISTOGRAMS`` a second time, exponentially.

    Totals are cumulative, so an export that fails loses no observation, only a point in time.
    """

    def __init__(
        self, resource: Resource, endpoint: str, metrics: Metrics, warn: Warn, *, interval_s: float, timeout_s: float
    ) -> None:
        exporter = _CountingExporter(endpoint, CollectorSession(), timeout_s, metrics, warn)
        reader = PeriodicExportingMetricReader(exporter, interval_s * 1000, export_timeout_millis=timeout_s * 1000)
        self._provider = MeterProvider(
            [reader],
            resource,
            # Exemplars stand on the classic histograms; deciding on them a second time would cost as much as the rest.
            AlwaysOffExemplarFilter(),
            shutdown_on_exit=False,
            views=[View(instrument_name="*", aggregation=ExponentialBucketHistogramAggregation())],
        )
        meter = self._provider.get_meter(semconv.NAMESPACE)
        self._recorders = {
            native.source.name: _recorder(
                meter.create_histogram(native.name, unit=native.source.unit, description=native.source.help).record,
                dict(native.attributes),
            )
            for native in semconv.NATIVE_HISTOGRAMS
        }

    def record(self, metric: Metric, value: float, labels: Labels) -> None:
        """Record ``value`` where ``metric`` has an exponential twin."""
        recorder = self._recorders.get(metric.name)
        if recorder is not None:
            recorder(value, labels)

    def shutdown(self, timeout: float) -> None:
        """Export once more and end the thread."""
        self._provider.shutdown(timeout_millis=timeout * 1000)


def _recorder(record: Callable[..., None], names: dict[str, str]) -> Callable[[float, Labels], None]:
    def recorder(value: float, labels: Labels) -> None:
        record(value, {names[label]: text for label, text in labels.items()})

    return recorder


class _CountingExporter(OTLPMetricExporter):
    """The OTLP exporter with its points counted, and one warning an outage."""

    def __init__(
        self, endpoint: str, session: CollectorSession, timeout_s: float, metrics: Metrics, warn: Warn
    ) -> None:
        super().__init__(endpoint=f"{endpoint}/v1/metrics", session=session, timeout=timeout_s)
        self._session, self._counts, self._warn = session, metrics, warn
        self._unreachable = False
        metrics.count(semconv.TELEMETRY_EXPORTED, 0, signal="metrics")

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        points = _points(metrics_data)
        if result is MetricExportResult.SUCCESS:
            self._unreachable = False
            self._counts.count(semconv.TELEMETRY_EXPORTED, points, signal="metrics")
            return result
        self._counts.count(semconv.TELEMETRY_DROPPED, points, signal="metrics", reason="unreachable")
        if not self._unreachable:
            self._unreachable = True
            self._warn(f"collector does not take metrics: {self._session.delivery.detail}")
        return result


def _points(data: MetricsData) -> int:
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
