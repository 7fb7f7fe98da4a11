"""Numbers made from a window's traces, by name (`lab.faults.signals.Traced`); NaN where there is nothing to measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from lab.clients.telemetry import Span
from lab.faults.signals import Traced

Trace = Sequence[Span]
Measure = Callable[[Sequence[Trace], Traced], float]
SLACK_NS = 50_000_000  # a server's span ends after its answer has left, so it may end after its client's


def measure(traces: Sequence[Trace], signal: Traced) -> float:
    """The signal's number. Raises KeyError for a measure that there is not."""
    return MEASURES[signal.measure](traces, signal)


def clients_per_trace(traces: Sequence[Trace], signal: Traced) -> float:
    """Mean number of a service's calls to Redis in a trace."""
    return _mean(sum(_is_redis(span, signal.service) for span in trace) for trace in traces)


def client_ms(traces: Sequence[Trace], signal: Traced) -> float:
    """Mean duration of a service's calls to one peer."""
    return _mean(
        span.duration_ms
        for span in _spans(traces, signal.service)
        if span.kind == "client" and span.attributes.get("peer.service") == signal.attribute
    )


def gap_ms(traces: Sequence[Trace], signal: Traced) -> float:
    """Mean time by which a call to a service is longer than the service's own span."""
    return _mean(
        parent.duration_ms - span.duration_ms
        for parent, span in _pairs(traces, signal.service)
        if span.kind == "server"
    )


def mean_ms(traces: Sequence[Trace], signal: Traced) -> float:
    return _mean(span.duration_ms for span in _spans(traces, signal.service, signal.span))


def mean_value(traces: Sequence[Trace], signal: Traced) -> float:
    return _mean(_values(traces, signal))


def highest_value(traces: Sequence[Trace], signal: Traced) -> float:
    return max(_values(traces, signal), default=math.nan)


def share_with_value(traces: Sequence[Trace], signal: Traced) -> float:
    """Share of the spans whose attribute (``name=value``) has that value."""
    name, _, value = signal.attribute.partition("=")
    return _mean(str(span.attributes.get(name)) == value for span in _spans(traces, signal.service, signal.span))


def share_with_span(traces: Sequence[Trace], signal: Traced) -> float:
    """Share of the traces that hold such a span."""
    return _mean(any(span.service == signal.service and span.name == signal.span for span in trace) for trace in traces)


def share_with_service(traces: Sequence[Trace], signal: Traced) -> float:
    return _mean(any(span.service == signal.service for span in trace) for trace in traces)


def overlap(traces: Sequence[Trace], signal: Traced) -> float:
    """Share of its calls' time that a span saves by making them at once: 0 one after another."""
    return _mean(_saved(trace, span) for trace in traces for span in _spans([trace], signal.service, signal.span))


def outside_parent(traces: Sequence[Trace], signal: Traced) -> float:
    """Share of a service's spans that lie outside a parent of another service, beyond what a busy loop explains."""
    return _mean(
        span.start_ns < parent.start_ns - SLACK_NS or span.end_ns > parent.end_ns + SLACK_NS
        for parent, span in _pairs(traces, signal.service)
    )


def _saved(trace: Trace, outer: Span) -> float:
    calls = sorted((span.start_ns, span.end_ns) for span in trace if span.parent_id == outer.span_id)
    covered, reach = 0, 0
    for start, end in calls:
        covered += max(0, end - max(start, reach))
        reach = max(reach, end)
    total = sum(end - start for start, end in calls)
    return (total - covered) / total if total else math.nan


def _pairs(traces: Sequence[Trace], service: str) -> Iterator[tuple[Span, Span]]:
    """(parent of another service, span of this one)."""
    for trace in traces:
        by_id = {span.span_id: span for span in trace}
        for span in trace:
            parent = by_id.get(span.parent_id)
            if span.service == service and parent is not None and parent.service != service:
                yield parent, span


def _values(traces: Sequence[Trace], signal: Traced) -> Iterator[float]:
    for span in _spans(traces, signal.service, signal.span):
        value = span.attributes.get(signal.attribute)
        if isinstance(value, int | float):
            yield float(value)


def _spans(traces: Sequence[Trace], service: str, name: str = "") -> Iterator[Span]:
    return (span for trace in traces for span in trace if span.service == service and name in ("", span.name))


def _is_redis(span: Span, service: str) -> bool:
    return span.service == service and span.kind == "client" and span.attributes.get("peer.service") == "redis"


def _mean(values: Iterator[float] | Iterator[bool]) -> float:
    found = [float(value) for value in values]
    found = [value for value in found if not math.isnan(value)]
    return fmean(found) if found else math.nan


MEASURES: dict[str, Measure] = {
    each.__name__: each
    for each in (
        clients_per_trace,
        client_ms,
        gap_ms,
        mean_ms,
        mean_value,
        highest_value,
        share_with_value,
        share_with_span,
        share_with_service,
        overlap,
        outside_parent,
    )
}
