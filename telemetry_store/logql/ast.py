"""What a LogQL query says, as data."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Matcher:
    """`name op "value"` over a label; a label that is missing is the empty string."""

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True)
class LineFilter:
    """A line passes where it contains (or matches) any of `operands`; with `!=` and `!~` none."""

    op: Literal["|=", "!=", "|~", "!~"]
    operands: tuple[str, ...]


@dataclass(frozen=True)
class NumberFilter:
    """A label's value, read as `unit`, compared with `value` (seconds for durations, bytes for sizes)."""

    name: str
    op: str
    value: float
    unit: Literal["number", "duration", "bytes"]


@dataclass(frozen=True)
class AllOf:
    """Every part has to hold."""

    parts: tuple["LabelFilter", ...]


@dataclass(frozen=True)
class AnyOf:
    """One part has to hold."""

    parts: tuple["LabelFilter", ...]


LabelFilter = Matcher | NumberFilter | AllOf | AnyOf


@dataclass(frozen=True)
class JsonParser:
    """`| json`: the line's fields become labels."""


@dataclass(frozen=True)
class LogfmtParser:
    """`| logfmt`: the line's pairs become labels."""


@dataclass(frozen=True)
class LineFormat:
    """`| line_format`: texts and label names by turns, beginning and ending with a text."""

    parts: tuple[str, ...]


Stage = LineFilter | JsonParser | LogfmtParser | LineFormat | Matcher | NumberFilter | AllOf | AnyOf


@dataclass(frozen=True)
class LogQuery:
    """Streams that match every matcher, through the stages."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class Ranged:
    """A log query over the `seconds` before each step, moved back by `offset`; both in nanoseconds."""

    query: LogQuery
    range_ns: int
    offset_ns: int = 0


@dataclass(frozen=True)
class RangeAggregation:
    """`rate(...)`, `count_over_time(...)`, `bytes_rate(...)`, `bytes_over_time(...)`."""

    name: str
    ranged: Ranged


@dataclass(frozen=True)
class VectorAggregation:
    """`sum by (x) (...)` …; `grouping` None: all series as one (for topk: none set apart)."""

    name: str
    operand: "Metric"
    grouping: Literal["by", "without"] | None = None
    labels: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True)
class Scalar:
    """A number."""

    value: float


@dataclass(frozen=True)
class Vector:
    """`vector(n)`: one series without labels."""

    value: float


@dataclass(frozen=True)
class Binary:
    """Arithmetic, comparison or a set operation between two metrics."""

    op: str
    left: "Metric"
    right: "Metric"
    is_bool: bool = False


Metric = RangeAggregation | VectorAggregation | Scalar | Vector | Binary
