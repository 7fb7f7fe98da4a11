"""What a service under test has said about itself, read before it would be exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from chassis.logs import Event
from chassis.telemetry import Telemetry


@dataclass(frozen=True)
class Signals:
    """Spans, log events and metrics of one Telemetry that was never started, so that nothing leaves its queues."""

    telemetry: Telemetry

    def spans(self, name: str = "") -> list[ReadableSpan]:
        """Ended spans, in the order in which they ended; all of them, or those of one name."""
        return [span for span in self._waiting("spans") if not name or span.name == name]

    def span(self, name: str) -> ReadableSpan:
        """The one span of this name."""
        (span,) = self.spans(name)
        return span

    def logs(self, level: str = "") -> list[Event]:
        return [event for event in self._waiting("logs") if not level or event.level == level]

    def metric(self, name: str, **labels: str) -> float:
        """A sample's value; 0 where the series does not exist."""
        labels = {"service_name": self.telemetry.service, **labels}
        return self.telemetry.metrics.registry.get_sample_value(name, labels) or 0.0

    def _waiting(self, signal: str) -> list[Any]:
        pipelines = self.telemetry._pipelines
        assert pipelines is not None
        return list(getattr(pipelines, signal)._items)


def trace_id(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def span_id(span: ReadableSpan) -> str:
    return f"{span.context.span_id:016x}"


def parent_id(span: ReadableSpan) -> str:
    """Empty for a root."""
    return f"{span.parent.span_id:016x}" if span.parent else ""
