"""A metric query, step by step."""

from dataclasses import dataclass

from telemetry_store.errors import QueryError
from telemetry_store.http import Query
from telemetry_store.logql import ast
from telemetry_store.logql.samples import Grouping, Samples, read_samples
from telemetry_store.logql.vectors import Labels, Vector, aggregate, combine

MOST_STEPS = 11_000
MOST_SERIES = 500
_RATES = {"rate", "bytes_rate"}
Matrix = dict[Labels, list[tuple[int, float]]]


@dataclass(frozen=True)
class Steps:
    """Moments (ns) at which a query is answered: start, start + step … up to end."""

    start: int
    end: int
    step: int

    def moments(self) -> range:
        """Every moment; raises QueryError where there are too many."""
        if (self.end - self.start) // self.step >= MOST_STEPS:
            raise QueryError(
                "exceeded maximum resolution of 11,000 points per time series. "
                "Try increasing the value of the step parameter"
            )
        return range(self.start, self.end + 1, self.step)


def evaluate(what: ast.Metric, steps: Steps, query: Query) -> Matrix:
    """Every series with its (moment in ns, value) pairs; a number is a series without labels."""
    evaluator = _Evaluator(steps, query)
    matrix: Matrix = {}
    for moment in steps.moments():
        query.check_time()
        found = evaluator.at(what, moment)
        for labels, value in ({(): found} if isinstance(found, float) else found).items():
            matrix.setdefault(labels, []).append((moment, value))
        if len(matrix) > MOST_SERIES:
            raise QueryError(
                f"maximum number of series ({MOST_SERIES}) reached for a single query; consider reducing query "
                "cardinality by adding more specific stream selectors, reducing the time range, or aggregating results "
                "with functions like sum, count or topk"
            )
    return matrix


def is_scalar(what: ast.Metric) -> bool:
    """Whether the query is a number rather than series."""
    return isinstance(what, ast.Scalar) or (
        isinstance(what, ast.Binary) and is_scalar(what.left) and is_scalar(what.right)
    )


class _Evaluator:
    """Evaluates expressions at a moment; samples are read once, at the first."""

    def __init__(self, steps: Steps, query: Query) -> None:
        self._steps, self._query = steps, query
        self._samples: dict[tuple[ast.RangeAggregation, Grouping | None], Samples] = {}

    def at(self, what: ast.Metric, moment: int) -> Vector | float:
        """The expression's value."""
        if isinstance(what, ast.Scalar):
            return what.value
        if isinstance(what, ast.Vector):
            return {(): what.value}
        if isinstance(what, ast.Binary):
            return combine(what, self.at(what.left, moment), self.at(what.right, moment))
        if isinstance(what, ast.VectorAggregation):
            return self._aggregation(what, moment)
        return self._range(what, None, moment)

    def _aggregation(self, what: ast.VectorAggregation, moment: int) -> Vector:
        if what.name == "sum" and isinstance(what.operand, ast.RangeAggregation):
            return self._range(what.operand, Grouping(what.grouping, what.labels), moment)
        vector = self.at(what.operand, moment)
        if isinstance(vector, float):
            raise QueryError(f"parse error : {what.name}() needs a vector, not a number")
        return aggregate(what, vector)

    def _range(self, what: ast.RangeAggregation, grouping: Grouping | None, moment: int) -> Vector:
        ranged = what.ranged
        if (what, grouping) not in self._samples:
            start = self._steps.start - ranged.offset_ns - ranged.range_ns
            end = self._steps.end - ranged.offset_ns
            self._samples[what, grouping] = read_samples(what, start, end, grouping, self._query)
        end = moment - ranged.offset_ns
        sums = self._samples[what, grouping].window(end - ranged.range_ns, end)
        seconds = ranged.range_ns / 1e9 if what.name in _RATES else 1.0
        return {labels: value / seconds for labels, value in sums.items()}
