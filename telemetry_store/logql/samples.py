"""The samples of a range aggregation: one for each line, read once for all steps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from telemetry_store.errors import QueryError
from telemetry_store.http import Query
from telemetry_store.logql import ast
from telemetry_store.logql.lines import as_line
from telemetry_store.logql.select import LineSelect
from telemetry_store.logql.stages import DETAILS, ERROR, apply
from telemetry_store.logql.vectors import Labels, Vector, group_labels

BLOCK = 4000
_BYTES = {"bytes_rate", "bytes_over_time"}


@dataclass(frozen=True)
class Grouping:
    """The only labels a sum above needs: samples are gathered by them at once."""

    word: str | None
    names: tuple[str, ...]


@dataclass(frozen=True)
class Samples:
    """Times (ascending, ns), the number of each sample's series, its value, and the series' labels."""

    times: np.ndarray[Any, Any]
    series: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    labels: list[Labels]

    def window(self, start: int, end: int) -> Vector:
        """The sum over each series' samples with start < time <= end; series without any are left out."""
        first, last = np.searchsorted(self.times, [start, end], side="right")
        series = self.series[first:last]
        sums = np.bincount(series, weights=self.values[first:last], minlength=len(self.labels))
        present = np.unique(series)
        return {self.labels[number]: float(sums[number]) for number in present}


def read_samples(what: ast.RangeAggregation, start: int, end: int, grouping: Grouping | None, query: Query) -> Samples:
    """Samples with start < time <= end."""
    plan = LineSelect.of(what.ranged.query, query.database.streams, query.cursor).between(start, end, "(]")
    if not plan.streams:
        return _samples([], [], [], [])
    if not plan.stages and grouping and _by_stream(grouping, plan):
        return _read_by_stream(what, plan, grouping, query)
    return _read_lines(what, plan, grouping, query)


def _samples(times: list[int], series: list[int], values: list[int], labels: list[Labels]) -> Samples:
    moments = np.array(times, dtype=np.int64)
    order = np.argsort(moments, kind="stable")
    numbers = np.array(series, dtype=np.int64)
    return Samples(moments[order], numbers[order], np.array(values, dtype=np.float64)[order], labels)


def _by_stream(grouping: Grouping, plan: LineSelect) -> bool:
    """Whether the wanted labels are index labels, so that no line's metadata has to be read."""
    index = {name for labels in plan.streams.values() for name in labels}
    return grouping.word is None or (grouping.word == "by" and set(grouping.names) <= index)


def _read_by_stream(what: ast.RangeAggregation, plan: LineSelect, grouping: Grouping, query: Query) -> Samples:
    value = "strlen(body)" if what.name in _BYTES else "1"
    sql = f"SELECT time, stream_no, {value} AS value FROM lines WHERE {plan.where} ORDER BY time"
    columns = query.cursor.execute(sql, plan.parameters).fetchnumpy()
    labels: list[Labels] = []
    numbers = np.zeros(max(plan.streams) + 1, dtype=np.int64)
    for stream_no, stream in plan.streams.items():
        numbers[stream_no] = _number_of(group_labels(sorted_labels(stream), grouping.word, grouping.names), labels)
    series = numbers[columns["stream_no"]]
    return Samples(columns["time"], series, columns["value"].astype(np.float64), labels)


def _number_of(wanted: Labels, labels: list[Labels]) -> int:
    if wanted not in labels:
        labels.append(wanted)
    return labels.index(wanted)


def sorted_labels(labels: dict[str, str]) -> Labels:
    """Labels as a sorted tuple."""
    return tuple(sorted(labels.items()))


class _Series:
    """Numbers the series as they come up."""

    def __init__(self, grouping: Grouping | None) -> None:
        self._grouping = grouping
        self._numbers: dict[Labels, int] = {}

    def number(self, labels: dict[str, str]) -> int:
        found = sorted_labels(labels)
        if self._grouping:
            found = group_labels(found, self._grouping.word, self._grouping.names)
        return self._numbers.setdefault(found, len(self._numbers))

    @property
    def labels(self) -> list[Labels]:
        return list(self._numbers)


def _read_lines(what: ast.RangeAggregation, plan: LineSelect, grouping: Grouping | None, query: Query) -> Samples:
    """Every line's labels are needed: through Python, block by block."""
    columns = "time, body, stream_no, metadata" if plan.stages else "time, strlen(body), stream_no, metadata"
    rows = query.scanner.execute(f"SELECT {columns} FROM lines WHERE {plan.where}", plan.parameters)
    times: list[int] = []
    numbers: list[int] = []
    values: list[int] = []
    series = _Series(grouping)
    while block := rows.fetchmany(BLOCK):
        query.check_time()
        for time, labels, size in _block(block, plan, query):
            times.append(time)
            numbers.append(series.number(labels))
            values.append(size if what.name in _BYTES else 1)
    return _samples(times, numbers, values, series.labels)


def _block(block: list[Any], plan: LineSelect, query: Query) -> list[tuple[int, dict[str, str], int]]:
    """(time, labels, bytes) of each line that passes the stages."""
    if not plan.stages:
        return [(time, orjson.loads(metadata) | plan.streams[no], size) for time, size, no, metadata in block]
    lines = apply(plan.stages, [as_line(row, plan) for row in block], query.cursor)
    for line in lines:
        if ERROR in line.labels:
            raise QueryError(
                f"pipeline error: '{line.labels[ERROR]}' for series: {line.labels.get(DETAILS, '')}. Use a label "
                f'filter to intentionally skip this error. (e.g | {ERROR}!="{line.labels[ERROR]}")'
            )
    return [(line.time, line.labels, len(line.body.encode())) for line in lines]
