"""TraceQL metrics queries and, in plain Python, their series."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contract.conformance.world import S

STEP = 10  # seconds
Labels = tuple[tuple[str, Any], ...]
Series = dict[Labels, dict[int, float]]  # labels -> end of interval (s) -> value, zeros left out


@dataclass(frozen=True)
class MetricCase:
    """A query; which spans it counts; their labels; what a cell of values becomes (several for quantiles)."""

    query: str
    keep: Callable[[S], bool]
    by: tuple[tuple[str, Callable[[S], Any]], ...] = ()
    read: Callable[[S], float | None] = lambda span: 1.0
    reduce: Callable[[list[float]], dict[str, float]] = lambda values: {"": len(values) / STEP}

    def __str__(self) -> str:
        return self.query

    def expect(self, spans: list[S]) -> Series:
        """The series of the whole data set."""
        return self._series(spans, lambda span: -(-span.start // (STEP * 10**9)) * STEP)

    def expect_whole(self, spans: list[S]) -> Series:
        """The series of an instant query: one cell, at 0, for the whole data set."""
        return self._series(spans, lambda span: 0)

    def _series(self, spans: list[S], end_of: Callable[[S], int]) -> Series:
        cells: dict[tuple[Labels, int], list[float]] = {}
        for span in filter(self.keep, spans):
            value = self.read(span)
            if value is not None:
                cells.setdefault((self._labels(span), end_of(span)), []).append(value)
        series: Series = {}
        for (labels, end), values in cells.items():
            for p, value in self.reduce(values).items():
                there = tuple(label for label in labels if label[1] is not None)
                key = (*there, ("p", float(p))) if p else labels
                series.setdefault(key, {})[end] = value
        return series

    def _labels(self, span: S) -> Labels:
        """Labels without a value are left out; where none has one, the first is shown as nil."""
        named = [(name, read(span)) for name, read in self.by]
        return tuple([label for label in named if label[1] is not None] or named[:1])


def _count(values: list[float]) -> dict[str, float]:
    return {"": float(len(values))}


def quantiles(*wanted: float) -> Callable[[list[float]], dict[str, float]]:
    """Tempo's quantiles: counts by power of two of nanoseconds, exponential interpolation inside a bucket."""

    def reduce(values: list[float]) -> dict[str, float]:
        return {str(p): _quantile(p, values) for p in wanted}

    return reduce


def _quantile(p: float, values: list[float]) -> float:
    """By sorting: the value of rank ceil(p n) lies in the bucket up to 2^e that is filled up to that rank. It begins
    where the next lower bucket with a value ends, or at 2^(e-1) where there is none."""
    exponents = sorted(math.ceil(math.log2(value * 1e9)) for value in values)
    rank = max(1, math.ceil(p * len(values)))
    exponent = exponents[rank - 1]
    before, inside = exponents.index(exponent), exponents.count(exponent)
    low = exponents[before - 1] if before else exponent - 1
    return float(2.0 ** (low + (exponent - low) * (rank - before) / inside)) / 1e9


def _service(span: S) -> Any:
    return span.service


def _seconds(span: S) -> float:
    return span.duration / 1e9


def metric_cases() -> list[MetricCase]:
    """Every metrics query."""
    by_service = (("resource.service.name", _service),)
    by_kind = (("kind", lambda s: s.kind),)
    by_tier = (("span.user.tier", lambda s: s.attrs.get("user.tier")),)
    by_version = (("span.ml.model.version", lambda s: s.attrs.get("ml.model.version")),)

    def server(span: S) -> bool:
        return span.kind == "server"

    def failed(span: S) -> bool:
        return span.status == "error"

    def inference(span: S) -> bool:
        return span.name == "model_inference"

    def below_fan(span: S) -> bool:
        return failed(span) and any(above.name == "fan_out" for above in span.above())

    def everything(span: S) -> bool:
        return True

    return [
        MetricCase("{ } | rate()", everything),
        MetricCase("{ } | rate() by (resource.service.name)", everything, by_service),
        MetricCase("{ status = error } | rate() by (resource.service.name)", failed, by_service),
        MetricCase("{ } | count_over_time()", everything, reduce=_count),
        MetricCase("{ kind = server } | count_over_time() by (kind)", server, by_kind, reduce=_count),
        MetricCase(
            '{ name = "model_inference" } | count_over_time() by (span.ml.model.version, resource.service.name)',
            inference, by_version + by_service, reduce=_count,
        ),
        MetricCase("{ } | count_over_time() by (status)", everything, (("status", lambda s: s.status),), reduce=_count),
        MetricCase(
            "{ kind = server } | quantile_over_time(duration, .5, .99)", server, (), _seconds, quantiles(0.5, 0.99)
        ),
        MetricCase(
            "{ kind = server } | quantile_over_time(duration, 0.9) by (resource.service.name)",
            server, by_service, _seconds, quantiles(0.9),
        ),
        MetricCase(
            "{ kind = server } | quantile_over_time(duration, 0.9) by (span.user.tier)",
            server, by_tier, _seconds, quantiles(0.9),
        ),
        MetricCase("{ kind = server } | max_over_time(duration)", server, (), _seconds, lambda v: {"": max(v)}),
        MetricCase("{ kind = server } | min_over_time(duration)", server, (), _seconds, lambda v: {"": min(v)}),
        MetricCase(
            "{ } | avg_over_time(duration) by (kind)", everything, by_kind, _seconds, lambda v: {"": sum(v) / len(v)}
        ),
        MetricCase(
            "{ span.ml.batch.size != nil } | sum_over_time(span.ml.batch.size)", everything, (),
            lambda s: s.attrs.get("ml.batch.size"), lambda v: {"": float(sum(v))},
        ),
        MetricCase(
            "{ kind != server } | count_over_time() by (span.ml.model.version, span:name)",
            lambda s: not server(s), (by_version[0], ("name", lambda s: s.name)), reduce=_count,
        ),
        MetricCase("{ } | rate() by (span.ml.model.version, span.user.tier)", everything, by_version + by_tier),
        MetricCase('{ name = "fan_out" } >> { status = error } | count_over_time()', below_fan, reduce=_count),
        MetricCase(
            '{ name = "fan_out" } >> { status = error } | rate() by (resource.service.name)', below_fan, by_service
        ),
    ]  # fmt: skip
