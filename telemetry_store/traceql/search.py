"""A search: candidate traces from DuckDB, exact evaluation in Python, until enough match."""

from collections.abc import Iterator
from dataclasses import dataclass

from telemetry_store.http import Query
from telemetry_store.traceql import ast
from telemetry_store.traceql.candidates import Candidates, Window
from telemetry_store.traceql.fetch import Fetcher
from telemetry_store.traceql.nodes import Trace
from telemetry_store.traceql.pipeline import Slots, Spanset, spansets


@dataclass(frozen=True)
class Match:
    """A trace with its spansets."""

    trace: Trace
    sets: list[Spanset]


def search(parsed: ast.TraceQuery, slots: Slots, window: Window, query: Query, first: int) -> Iterator[Match]:
    """Matching traces, roughly newest first. `first` traces are looked at before any more are fetched."""
    fetcher = Fetcher(slots, query)
    for ids in Candidates(parsed.pipeline, window, query).chunks(first):
        for trace in fetcher.traces(ids):
            query.check_time()
            if found := spansets(parsed.pipeline, trace, slots):
                yield Match(trace, found)
