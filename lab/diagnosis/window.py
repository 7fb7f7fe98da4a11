"""What the engine looks at: a period that may be ill and a baseline before it, as spans, log lines and series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lab.clients.telemetry import LogLine, Sample, Span
from lab.diagnosis.names import ROOT_OPERATION, ROOT_SERVICE, promql
from lab.diagnosis.profile import Profile
from lab.diagnosis.trace import Trace, aligned


@dataclass(frozen=True)
class Period:
    """Telemetry between two Unix times. ``series`` holds each question's answer at ``end_s``, by its short name."""

    start_s: float
    end_s: float
    spans: tuple[Span, ...] = ()
    logs: tuple[LogLine, ...] = ()
    series: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    @cached_property
    def raw_traces(self) -> dict[str, list[Span]]:
        """Spans by trace, with the clocks as they were."""
        table: dict[str, list[Span]] = defaultdict(list)
        for span in self.spans:
            table[span.trace_id].append(span)
        return dict(table)

    @cached_property
    def traces(self) -> tuple[Trace, ...]:
        """Every trace, clocks aligned, so that no offset of a host's clock can shift blame."""
        return tuple(aligned(spans) for spans in self.raw_traces.values())

    @cached_property
    def predictions(self) -> tuple[Trace, ...]:
        """Traces of predictions, from the door on."""
        return tuple(
            trace for trace in self.traces
            if trace.root.name == ROOT_OPERATION and trace.root.service == ROOT_SERVICE and not trace.root.parent_id
        )  # fmt: skip

    def total(self, name: str, **labels: str) -> float:
        """The sum of a question's series with these labels; 0 where there is none."""
        return sum(sample.value for sample in self.select(name, **labels))

    def value(self, name: str, **labels: str) -> float | None:
        """The value of one series (the largest where several match); None where there is none."""
        return max((sample.value for sample in self.select(name, **labels)), default=None)

    def select(self, name: str, **labels: str) -> list[Sample]:
        """Series of a question with these labels; no number (0/0) is no answer."""
        return [
            sample for sample in self.series.get(name, ())
            if sample.value == sample.value and all(sample.labels.get(key) == text for key, text in labels.items())
        ]  # fmt: skip

    def by(self, name: str, label: str = "service_name", **labels: str) -> dict[str, float]:
        """Sums by one label."""
        table: dict[str, float] = defaultdict(float)
        for sample in self.select(name, **labels):
            table[sample.labels.get(label, "")] += sample.value
        return dict(table)


@dataclass(frozen=True)
class Window:
    """A period to explain and its baseline; what several detectors need is worked out once."""

    now: Period
    before: Period

    @cached_property
    def requests(self) -> int:
        return len(self.now.predictions)

    def query(self, name: str) -> str:
        """A question as one would type it into Prometheus or Grafana."""
        return promql(name, self.now.seconds)

    def rise(self, name: str, **labels: str) -> tuple[float, float]:
        """(now, before) of a counter's growth, the baseline scaled to this period's length."""
        scale = self.now.seconds / self.before.seconds if self.before.seconds else 1.0
        return self.now.total(name, **labels), self.before.total(name, **labels) * scale

    @cached_property
    def services(self) -> tuple[str, ...]:
        """Whoever spoke in either period, by spans or by series."""
        spoke = {span.service for period in (self.now, self.before) for span in period.spans}
        return tuple(sorted(spoke | set(self.before.by("up")) | set(self.now.by("up"))))

    @cached_property
    def profile(self) -> Profile:
        return Profile.of(self)

    @cached_property
    def callers(self) -> dict[str, set[str]]:
        """Callers by callee, as the client spans of both periods show them."""
        table: dict[str, set[str]] = defaultdict(set)
        for period in (self.now, self.before):
            for span in period.spans:
                peer = str(span.attributes.get("peer.service") or "")
                if peer:
                    table[peer].add(span.service)
        return dict(table)
