"""Span metrics: calls and latency by service, span name, kind and status, as the collector's connector makes them.

Made from every span that is taken in, before anything could be sampled or deleted.
"""

import threading
from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from telemetry_store.metrics.histogram import Histogram
from telemetry_store.metrics.own import OwnMetrics

LABELS = ("service_name", "span_name", "span_kind", "status_code")
SERIES_LIMIT = 2000
_KINDS = {int(number): name for name, number in Span.SpanKind.items()}
_CODES = {int(number): name for name, number in Status.StatusCode.items()}


class SpanMetrics(Collector):
    """Observes spans in the writer's thread; collected by whoever scrapes."""

    def __init__(self, own: OwnMetrics) -> None:
        self._series: dict[tuple[str, str, int, int], Histogram] = {}
        self._lock = threading.Lock()
        self._own = own

    def observe(self, span: Span, service: str) -> None:
        """Count one span; past the bound on series it is left out and counted as dropped."""
        key = (service, span.name, span.kind, span.status.code)
        with self._lock:
            histogram = self._series.get(key)
            if histogram is None:
                if len(self._series) >= SERIES_LIMIT:
                    self._own.dropped.labels("span_metrics", "too_many_series").inc()
                    return
                histogram = self._series[key] = Histogram()
            start, end = span.start_time_unix_nano, span.end_time_unix_nano
            histogram.add(max(0, end - start) / 1e9, span.trace_id, span.span_id, end / 1e9)

    def collect(self) -> Iterator[Metric]:
        """traces_spanmetrics_calls_total and traces_spanmetrics_latency (seconds)."""
        calls = CounterMetricFamily("traces_spanmetrics_calls", "Spans", labels=LABELS)
        latency = HistogramMetricFamily("traces_spanmetrics_latency", "Duration of spans in seconds", labels=LABELS)
        with self._lock:
            for (service, name, kind, code), histogram in self._series.items():
                labels = (service, name, _KINDS[kind], _CODES[code])
                calls.add_metric(labels, histogram.count)
                latency.add_metric(labels, histogram.buckets(), histogram.total)
        yield calls
        yield latency
