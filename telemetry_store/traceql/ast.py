"""What a TraceQL query says, as data."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["string", "int", "float", "duration", "boolean", "status", "kind", "nil"]
STATUSES = ("unset", "ok", "error")
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


@dataclass(frozen=True)
class Literal_:
    """A constant; durations in nanoseconds, statuses and kinds by their OTLP number."""

    kind: Kind
    value: Any
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Attribute:
    """`span.x`, `resource.x`, `event.x` …; scope "" for `.x`."""

    scope: str
    name: str

    def __str__(self) -> str:
        return f"{self.scope}.{self.name}"


@dataclass(frozen=True)
class Intrinsic:
    """A property every span or trace has, by its scoped name (`span:duration`); `text` is Tempo's (`duration`)."""

    name: str
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Unary:
    """`!x` or `-x`."""

    op: str
    operand: "Expression"

    def __str__(self) -> str:
        return f"{self.op}{self.operand}"


@dataclass(frozen=True)
class Binary:
    """Arithmetic, comparison or logic; `line` and `column` are those of the operator."""

    op: str
    left: "Expression"
    right: "Expression"
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)

    def __str__(self) -> str:
        parts = [f"({side})" if isinstance(side, Binary) else str(side) for side in (self.left, self.right)]
        return f"{parts[0]} {self.op} {parts[1]}"


Expression = Literal_ | Attribute | Intrinsic | Unary | Binary
Field = Attribute | Intrinsic


@dataclass(frozen=True)
class Filter:
    """`{ … }`: the spans for which `condition` holds; None for `{}`."""

    condition: Expression | None


@dataclass(frozen=True)
class Combined:
    """Two spansets joined by `&&`, `||` or a structural operator."""

    op: str
    left: "Spansets"
    right: "Spansets"


@dataclass(frozen=True)
class Aggregate:
    """`count()` or `avg(field)` … over a spanset."""

    name: str
    operand: Expression | None

    def __str__(self) -> str:
        return f"{self.name}({self.operand or ''})"


@dataclass(frozen=True)
class ScalarFilter:
    """Keeps a spanset whose aggregate compares so with a constant."""

    aggregate: Aggregate
    op: str
    value: Literal_


@dataclass(frozen=True)
class GroupBy:
    """Splits a spanset by an expression's value."""

    expression: Expression


@dataclass(frozen=True)
class Coalesce:
    """Joins a trace's spansets into one."""


@dataclass(frozen=True)
class Select:
    """Fields to show with each span."""

    fields: tuple[Expression, ...]


@dataclass(frozen=True)
class Metric:
    """The last stage of a metrics query; `quantiles` of quantile_over_time."""

    name: str
    operand: Expression | None = None
    quantiles: tuple[float, ...] = ()
    by: tuple[Expression, ...] = ()


Stage = Filter | ScalarFilter | GroupBy | Coalesce | Select | Metric


@dataclass(frozen=True)
class Pipeline:
    """A spanset expression and what it is piped through."""

    source: "Spansets"
    stages: tuple[Stage, ...] = ()


Spansets = Filter | Combined | Pipeline


@dataclass(frozen=True)
class TraceQuery:
    """A whole query."""

    pipeline: Pipeline
    metric: Metric | None = None
