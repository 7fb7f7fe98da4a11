"""The composition root: makes every part and joins them."""

from dataclasses import dataclass

from starlette.applications import Starlette

from telemetry_store.http import QueryRunner
from telemetry_store.ingest.queue import IngestQueue
from telemetry_store.ingest.writer import Writer
from telemetry_store.limits import Limits
from telemetry_store.loki import routes as loki
from telemetry_store.metrics.native import NativeHistograms
from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.metrics.page import MetricsPage
from telemetry_store.metrics.service_graph import ServiceGraph
from telemetry_store.metrics.span_metrics import SpanMetrics
from telemetry_store.otlp.receiver import Receiver
from telemetry_store.settings import Settings
from telemetry_store.storage.database import Database
from telemetry_store.storage.retention import Retention
from telemetry_store.tempo import routes as tempo

QUEUE_BODIES = 4  # the queue holds at most this many of the largest bodies
STALLED_SECONDS = 30.0


@dataclass
class Parts:
    """Everything the process runs."""

    database: Database
    queue: IngestQueue
    writer: Writer
    receiver: Receiver
    runner: QueryRunner
    page: MetricsPage
    limits: Limits

    @classmethod
    def open(cls, settings: Settings) -> "Parts":
        """Open the database and make the parts; raises duckdb.IOException where the file is in use."""
        database = Database(settings.database, settings.memory_limit)
        metrics, native = OwnMetrics(), NativeHistograms()
        queue = IngestQueue(settings.queue_items, QUEUE_BODIES * settings.body_bytes)
        span_metrics, graph = SpanMetrics(metrics), ServiceGraph(metrics)
        metrics.registry.register(span_metrics)
        metrics.registry.register(graph)
        retention = Retention(database, metrics, settings.retention_hours * 3600, settings.max_bytes)
        observers = [span_metrics.observe, graph.observe]
        writer = Writer(database, queue, metrics, observers, retention, settings.flush_seconds)
        metrics.gauge("queue_items", "Spans and lines waiting to be written", lambda: queue.items)
        metrics.gauge("database_bytes", "Size of the database file", lambda: database.path.stat().st_size)
        limits = Limits(settings.limits, queue, settings.queue_items)
        runner = QueryRunner(database, metrics, settings)
        receiver = Receiver(queue, native, metrics, settings.body_bytes)
        return cls(database, queue, writer, receiver, runner, MetricsPage(metrics.registry, native), limits)

    def query_app(self) -> Starlette:
        """The application of the query port."""
        routes = [*tempo.routes(self.runner), *loki.routes(self.runner), *self.page.routes()]
        return Starlette(routes=routes)

    def start(self) -> None:
        """Start the writer's thread."""
        self.writer.start()
        self.limits.start()

    def stop(self) -> None:
        """Write what was accepted, then close the file."""
        self.limits.stop()
        self.queue.close()
        self.writer.join(timeout=STALLED_SECONDS)
        self.runner.close()
        self.database.close()
