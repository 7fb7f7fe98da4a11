"""OTLP's exponential histograms, kept as they were last reported and exposed as Prometheus native histograms."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_DELTA,
    ExponentialHistogramDataPoint,
    Metric,
)

from telemetry_store.ingest.line_rows import label_name
from telemetry_store.ingest.values import text
from telemetry_store.metrics.client_model import HISTOGRAM, message_class
from telemetry_store.wire import delimited

CONTENT_TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
MAX_SCHEMA, MIN_SCHEMA = 8, -4  # Prometheus; OpenTelemetry's scale goes up to 20
STALE_SECONDS = 300.0
SERIES_LIMIT = 5000
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "By": "bytes"}
Labels = tuple[tuple[str, str], ...]


@dataclass
class Series:
    """One series' state: cumulative counts by OpenTelemetry bucket index, at `scale`."""

    scale: int
    count: int = 0
    total: float = 0.0
    zero_count: int = 0
    zero_threshold: float = 0.0
    positive: dict[int, int] = field(default_factory=dict)
    negative: dict[int, int] = field(default_factory=dict)
    exemplar: tuple[float, float, Labels] | None = None
    updated: float = 0.0

    def coarsen(self, scale: int) -> None:
        """Lower the resolution to `scale`: bucket i of scale n lies in bucket i >> 1 of scale n - 1."""
        if scale < self.scale:
            self.positive = _shifted(self.positive, self.scale - scale)
            self.negative = _shifted(self.negative, self.scale - scale)
            self.scale = scale


def _shifted(buckets: dict[int, int], by: int) -> dict[int, int]:
    merged: dict[int, int] = {}
    for index, count in buckets.items():
        merged[index >> by] = merged.get(index >> by, 0) + count
    return merged


def family_name(metric: Metric) -> str:
    """The Prometheus name of an OTLP metric: underscores, and the unit as suffix."""
    name, suffix = label_name(metric.name), _UNITS.get(metric.unit, "")
    return name if not suffix or name.endswith("_" + suffix) else f"{name}_{suffix}"


class NativeHistograms:
    """All series, by family and labels; safe to use from several threads."""

    def __init__(self) -> None:
        self._families: dict[str, dict[Labels, Series]] = {}
        self._help: dict[str, str] = {}
        self._lock = threading.Lock()

    def take(self, request: ExportMetricsServiceRequest) -> tuple[int, int]:
        """Keep a request's exponential histograms; returns (kept, rejected) data points."""
        kept = rejected = 0
        for group in request.resource_metrics:
            resource = {label_name(pair.key): text(pair.value) for pair in group.resource.attributes}
            base = {"service_name": resource.get("service_name", "unknown_service")}
            for metric in (metric for scoped in group.scope_metrics for metric in scoped.metrics):
                which = metric.WhichOneof("data")
                points = getattr(metric, which).data_points if which else ()
                taken = self._take_metric(metric, base) if which == "exponential_histogram" else 0
                kept, rejected = kept + taken, rejected + len(points) - taken
        return kept, rejected

    def _take_metric(self, metric: Metric, base: dict[str, str]) -> int:
        name = family_name(metric)
        histogram = metric.exponential_histogram
        is_delta = histogram.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
        with self._lock:
            self._help[name] = metric.description
            return sum(self._take_point(name, point, base, is_delta) for point in histogram.data_points)

    def _take_point(
        self, name: str, point: ExponentialHistogramDataPoint, base: dict[str, str], is_delta: bool
    ) -> bool:
        family = self._families.setdefault(name, {})
        labels = tuple(sorted(({label_name(p.key): text(p.value) for p in point.attributes} | base).items()))
        old = family.get(labels)
        if point.scale < MIN_SCHEMA or (old is None and sum(map(len, self._families.values())) >= SERIES_LIMIT):
            return False
        new = _series(point)
        if old and is_delta:
            _accumulate(new, old)
        if old and new.exemplar is None:
            new.exemplar = old.exemplar
        family[labels] = new
        return True

    def expose(self) -> bytes:
        """Every family as length-delimited protobuf; series without news for five minutes are forgotten."""
        oldest = time.monotonic() - STALE_SECONDS
        parts = []
        with self._lock:
            for name, family in list(self._families.items()):
                for labels in [labels for labels, series in family.items() if series.updated < oldest]:
                    del family[labels]
                if not family:
                    del self._families[name]
                    continue
                body = _family(name, self._help[name], family).SerializeToString()
                parts.append(delimited(body))
        return b"".join(parts)


def _series(point: ExponentialHistogramDataPoint) -> Series:
    def counts(side: Any) -> dict[int, int]:
        return {side.offset + place: count for place, count in enumerate(side.bucket_counts) if count}

    series = Series(
        point.scale, point.count, point.sum, point.zero_count, point.zero_threshold,
        counts(point.positive), counts(point.negative), _exemplar(point), time.monotonic(),
    )  # fmt: skip
    series.coarsen(MAX_SCHEMA)
    return series


def _exemplar(point: ExponentialHistogramDataPoint) -> tuple[float, float, Labels] | None:
    """(value, seconds since the epoch, labels) of the newest exemplar with a trace."""
    traced = [exemplar for exemplar in point.exemplars if exemplar.trace_id]
    if not traced:
        return None
    newest = max(traced, key=lambda exemplar: exemplar.time_unix_nano)
    value = newest.as_double if newest.WhichOneof("value") == "as_double" else float(newest.as_int)
    labels = (("trace_id", newest.trace_id.hex()), ("span_id", newest.span_id.hex()))
    return value, newest.time_unix_nano / 1e9, labels


def _accumulate(new: Series, old: Series) -> None:
    """Add `old` into `new`, at the lower of their resolutions."""
    scale = min(new.scale, old.scale)
    new.coarsen(scale)
    old.coarsen(scale)
    new.count, new.total, new.zero_count = new.count + old.count, new.total + old.total, new.zero_count + old.zero_count
    for mine, theirs in ((new.positive, old.positive), (new.negative, old.negative)):
        for index, count in theirs.items():
            mine[index] = mine.get(index, 0) + count


def _family(name: str, text: str, family: dict[Labels, Series]) -> Any:
    message = message_class("MetricFamily")(name=name, help=text, type=HISTOGRAM)
    for labels, series in family.items():
        metric = message.metric.add()
        for key, value in labels:
            metric.label.add(name=key, value=value)
        _fill(metric.histogram, series)
    return message


def _fill(histogram: Any, series: Series) -> None:
    histogram.sample_count, histogram.sample_sum = series.count, series.total
    histogram.schema = series.scale
    histogram.zero_threshold, histogram.zero_count = series.zero_threshold, series.zero_count
    _fill_side(histogram.positive_span, histogram.positive_delta, series.positive)
    _fill_side(histogram.negative_span, histogram.negative_delta, series.negative)
    if not series.positive and not series.negative and series.zero_threshold == 0:
        # Prometheus takes a histogram for native only where it shows a span or a zero threshold.
        histogram.positive_span.add(offset=0, length=0)
    if series.exemplar:
        _fill_exemplar(histogram, series)


def _fill_side(spans: Any, deltas: Any, buckets: dict[int, int]) -> None:
    """Runs of neighbouring buckets and the differences of their counts.

    OpenTelemetry's bucket i covers (b^i, b^(i+1)], Prometheus's bucket j covers (b^(j-1), b^j]: j = i + 1.
    """
    end, before, span = 0, 0, None
    for index, count in sorted((index + 1, count) for index, count in buckets.items()):
        if span is None or index != end:
            span = spans.add(offset=index - end, length=0)
        span.length += 1
        deltas.append(count - before)
        end, before = index + 1, count


def _fill_exemplar(histogram: Any, series: Series) -> None:
    """Prometheus 2.42 reads exemplars from classic buckets only, so one open bucket carries it."""
    value, moment, labels = series.exemplar or (0.0, 0.0, ())
    bucket = histogram.bucket.add(cumulative_count=series.count, upper_bound=float("inf"))
    bucket.exemplar.value = value
    bucket.exemplar.timestamp.FromNanoseconds(int(moment * 1e9))
    for key, label in labels:
        bucket.exemplar.label.add(name=key, value=label)
