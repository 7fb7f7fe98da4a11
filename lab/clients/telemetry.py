"""What the backends answer, as types: spans, log lines, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

AttributeValue = str | int | float | bool | tuple["AttributeValue", ...] | None
Status = Literal["unset", "ok", "error"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened within a span, such as an exception."""

    time_ns: int
    name: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A span's pointer to another span, perhaps of another trace."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Span:
    """One span; ids are lower-case hex (32 and 16 digits), times Unix nanoseconds, ``parent_id`` empty for a root."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: Status = "unset"
    status_message: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    resource: Mapping[str, AttributeValue] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def duration_ms(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace as a search answers it; ``error_spans`` counts the error spans of all its services."""

    trace_id: str
    root_service: str
    root_name: str
    start_ns: int
    duration_ms: int
    spans_by_service: Mapping[str, int]
    error_spans: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log line; ``labels`` holds stream labels and structured metadata (request_id, model_version …) alike."""

    time_ns: int
    body: str
    labels: Mapping[str, str]

    @property
    def service(self) -> str:
        return self.labels.get("service_name", "")

    @property
    def level(self) -> str:
        return self.labels.get("severity_text", "").upper() or self.labels.get("detected_level", "").upper()

    @property
    def trace_id(self) -> str:
        return self.labels.get("trace_id", "")

    @property
    def quiet(self) -> bool:
        """Whether it is of a level that nobody has to read."""
        return self.level in ("INFO", "DEBUG")

    def __str__(self) -> str:
        """Service, level and the body's first line."""
        return f"{self.service} {self.level} {(self.body.splitlines() or [''])[0]}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' values: (Unix seconds, value), oldest first."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """An example that a histogram bucket points at."""

    series: Mapping[str, str]
    labels: Mapping[str, str]
    value: float
    time_s: float

    @property
    def trace_id(self) -> str:
        return self.labels.get("trace_id", "")
