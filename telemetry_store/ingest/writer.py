"""The one thread that writes: takes parcels, makes rows, inserts a batch in one transaction."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import duckdb
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from telemetry_store.ingest.batch import Batch
from telemetry_store.ingest.duplicates import RecentKeys
from telemetry_store.ingest.line_rows import LineRows
from telemetry_store.ingest.queue import IngestQueue, Parcel
from telemetry_store.ingest.span_rows import SpanRows
from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.storage.database import Database
from telemetry_store.storage.retention import Retention

log = logging.getLogger(__name__)

BATCH_ITEMS = 8192  # spans or lines in a transaction: enough to make it cheap, few enough to bound its memory
SpanObserver = Callable[[Span, str], None]


class Writer(threading.Thread):
    """Drains the queue into the database until the queue is closed."""

    def __init__(
        self,
        database: Database,
        queue: IngestQueue,
        metrics: OwnMetrics,
        observers: Sequence[SpanObserver],
        retention: Retention,
        linger: float,
    ) -> None:
        """`observers` see each new span with its service's name, once; `linger` in seconds."""
        super().__init__(name="writer", daemon=True)
        self._database, self._queue, self._metrics = database, queue, metrics
        self._observers, self._retention, self._linger = observers, retention, linger
        self._cursor = database.cursor()
        self._recent = RecentKeys()

    def run(self) -> None:
        """Write until the queue is closed and empty."""
        while (parcels := self._queue.take(self._linger, BATCH_ITEMS)) is not None:
            for part in _slices(parcels):
                self._write_or_drop(part)
            self._retain()

    def _write_or_drop(self, parcels: list[Parcel]) -> None:
        """What no rows can be made of is dropped, counted and logged: nothing would be kept if this thread ended."""
        try:
            self.write(parcels)
        except Exception:
            log.exception("%d requests could not be written", len(parcels))
            self._cursor = self._database.cursor()
            for parcel in parcels:
                self._metrics.dropped.labels(parcel.signal, "write_failed").inc(parcel.items)

    def _retain(self) -> None:
        try:
            self._retention.run_when_due(self._cursor)
        except duckdb.Error:
            log.exception("retention failed; tried again later")
            self._cursor = self._database.cursor()

    def write(self, parcels: list[Parcel]) -> None:
        """Write one batch."""
        started, now = time.monotonic(), int(time.time())
        spans, lines = SpanRows(self._database, self._cursor, now), LineRows(self._database, self._cursor, now)
        for parcel in parcels:
            if parcel.signal == "traces":
                self._add_spans(parcel, spans)
            else:
                _add_lines(parcel, lines)
        for signal, batch in (("traces", spans.batch), ("logs", lines.batch)):
            if batch.rows:
                self._insert(signal, batch)
        self._metrics.write_seconds.observe(time.monotonic() - started)

    def _insert(self, signal: str, batch: Batch) -> None:
        """Insert; what DuckDB refuses twice is dropped, counted and logged, and the thread lives on."""
        for attempt in (1, 2):
            try:
                self._metrics.unindexed.inc(batch.insert(self._cursor, self._database.columns))
                self._metrics.stored.labels(signal).inc(batch.rows)
                return
            except duckdb.Error:
                log.exception("a batch of %d rows could not be written, attempt %d", batch.rows, attempt)
                self._cursor = self._database.cursor()
        self._metrics.dropped.labels(signal, "write_failed").inc(batch.rows)

    def _add_spans(self, parcel: Parcel, rows: SpanRows) -> None:
        for group in parcel.message.resource_spans:
            for scoped in group.scope_spans:
                origin = rows.origin(group, scoped.scope)
                for span in scoped.spans:
                    if self._recent.seen(span.trace_id, span.span_id, span.kind):
                        self._metrics.dropped.labels("traces", "duplicate").inc()
                        continue
                    rows.add(span, origin)
                    for observe in self._observers:
                        observe(span, origin.service)


def _add_lines(parcel: Parcel, rows: LineRows) -> None:
    for group in parcel.message.resource_logs:
        for scoped in group.scope_logs:
            stream = rows.stream(group.resource, scoped.scope)
            for record in scoped.log_records:
                rows.add(record, stream)


def _slices(parcels: list[Parcel]) -> list[list[Parcel]]:
    """Parcels in groups of at most BATCH_ITEMS, except where one alone holds more."""
    groups: list[list[Parcel]] = [[]]
    items = 0
    for parcel in parcels:
        if groups[-1] and items + parcel.items > BATCH_ITEMS:
            groups.append([])
            items = 0
        groups[-1].append(parcel)
        items += parcel.items
    return groups
