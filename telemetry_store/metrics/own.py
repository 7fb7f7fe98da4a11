"""The store's own metrics, on a registry of its own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class OwnMetrics:
    """Counters of what came in, was refused, was dropped, and of queries."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.received = self._counter("items_received", "Spans, lines and data points accepted", ["signal"])
        self.spans_received = self._counter("spans_received", "Spans accepted", [])
        self.lines_received = self._counter("lines_received", "Log lines accepted", [])
        self.refused = self._counter("items_refused", "Items refused by back-pressure, to be sent again", ["signal"])
        self.dropped = self._counter("items_dropped", "Items lost or left out for good", ["signal", "reason"])
        self.stored = self._counter("items_stored", "Rows written", ["signal"])
        self.unindexed = self._counter("attributes_unindexed", "Attribute values past the bound on columns", [])
        self.bad_requests = self._counter("bad_requests", "OTLP requests answered 4xx", ["signal", "status"])
        self.deleted = self._counter("rows_deleted", "Rows deleted by retention", ["table", "reason"])
        edges = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
        name = "telemetry_store_write_seconds"
        self.write_seconds = Histogram(name, "Time to write one batch", registry=self.registry, buckets=edges)
        name = "telemetry_store_query_seconds"
        text = "Time to answer a query"
        self.query_seconds = Histogram(name, text, ["api", "status"], registry=self.registry, buckets=edges)

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(f"telemetry_store_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Expose `read()` as telemetry_store_`name`."""
        Gauge(f"telemetry_store_{name}", text, registry=self.registry).set_function(read)
