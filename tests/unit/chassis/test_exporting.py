"""Exports over a real socket: nothing blocks, nothing is lost uncounted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from chassis.clock import Clock
from chassis.exporting import BatchExporter, CollectorSession, sender, silence_exporters
from chassis.metrics import Metrics
from chassis.pipeline import SpanExporter
from chassis.tracing import TracerProvider
from tests.unit.chassis.collector import Collector, Reply, collecting
from tests.unit.servers import free_port
from tests.unit.waiting import eventually


class Export:
    """A span export to a collector's address, with its metrics and warnings in reach."""

    def __init__(self, url: str, **options: float) -> None:
        silence_exporters()
        self.metrics = Metrics("service_under_test")
        self.warnings: list[str] = []
        session = CollectorSession()
        exporter = SpanExporter(f"{url}/v1/traces", timeout=1.0, session=session)
        options = {"first_backoff_s": 0.02, **options}
        self.queue: BatchExporter[ReadableSpan] = BatchExporter(
            "traces", sender(exporter.export, session), self.metrics, self.warnings.append, 0.02, **options
        )
        self.tracer = TracerProvider(Resource({"service.name": "x"}), Clock(), self.queue.put).get_tracer("test")

    def spans(self, count: int) -> None:
        for number in range(count):
            self.tracer.start_span(f"span {number}").end()

    def dropped(self, reason: str) -> float:
        labels = {"service_name": "service_under_test", "signal": "traces", "reason": reason}
        return self.metrics.registry.get_sample_value("telemetry_dropped_items_total", labels) or 0.0

    def exported(self) -> float:
        labels = {"service_name": "service_under_test", "signal": "traces"}
        return self.metrics.registry.get_sample_value("telemetry_exported_items_total", labels) or 0.0


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting(Collector()) as running:
        yield running


def test_spans_arrive_compressed_and_counted(collector: Collector) -> None:
    export = Export(collector.url)
    export.queue.start()
    export.spans(3)
    assert export.queue.flush(5)
    assert [span.name for span in collector.spans()] == ["span 0", "span 1", "span 2"]
    assert export.exported() == 3
    assert collector.request_headers[0]["Content-Encoding"] == "gzip"
    export.queue.shutdown(1)


def test_a_long_queue_is_sent_in_chunks(collector: Collector) -> None:
    export = Export(collector.url, chunk=10)
    export.spans(25)
    export.queue.start()
    eventually(lambda: len(collector.spans()) == 25, "all spans arrive")
    assert [len(request.resource_spans[0].scope_spans[0].spans) for request in collector.taken] == [10, 10, 5]
    export.queue.shutdown(1)


def test_a_full_queue_drops_and_counts_and_its_bound_can_be_changed(collector: Collector) -> None:
    export = Export(collector.url, limit=2)
    export.spans(5)
    assert export.dropped("queue_full") == 3
    export.queue.limit = 4
    export.spans(5)
    assert export.dropped("queue_full") == 6
    export.queue.start()
    eventually(lambda: export.exported() == 4, "what fitted is delivered")
    export.queue.shutdown(1)


def test_a_collector_that_comes_back_gets_what_waited_and_its_outage_is_one_warning() -> None:
    port = free_port()
    export = Export(f"http://127.0.0.1:{port}")
    export.queue.start()
    export.spans(4)
    eventually(lambda: export.warnings, "the outage is noticed")
    with collecting(Collector(port)) as collector:
        eventually(lambda: len(collector.spans()) == 4, "the spans that waited arrive")
        eventually(lambda: len(export.warnings) == 2, "its end is noticed")
        assert "does not take traces" in export.warnings[0]
        assert "again" in export.warnings[1]
        assert export.dropped("unreachable") == 0
        export.queue.shutdown(1)


def test_attempts_are_bounded() -> None:
    export = Export(f"http://127.0.0.1:{free_port()}", attempts=3)
    export.queue.start()
    export.spans(2)
    eventually(lambda: export.dropped("unreachable") == 2, "the chunk is given up")
    assert len(export.warnings) == 1
    export.queue.shutdown(1)


def test_retry_after_is_respected(collector: Collector) -> None:
    collector.replies = [Reply(503, {"Retry-After": "1"}), Reply()]
    export = Export(collector.url)
    export.queue.start()
    export.spans(1)
    eventually(lambda: export.exported() == 1, "the second attempt delivers")
    assert collector.asked_at[1] - collector.asked_at[0] >= 1.0
    export.queue.shutdown(1)


@pytest.mark.parametrize("status", [400, 404, 413, 500])
def test_a_final_refusal_is_not_repeated(collector: Collector, status: int) -> None:
    collector.replies = [Reply(status)]
    export = Export(collector.url)
    export.queue.start()
    export.spans(2)
    eventually(lambda: export.dropped("refused") == 2, "the refused spans are counted")
    assert len(collector.asked_at) == 1
    export.queue.shutdown(1)


def test_partial_success_counts_what_was_refused(collector: Collector) -> None:
    body = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=2)).SerializeToString()
    collector.replies = [Reply(200, {"Content-Type": "application/x-protobuf"}, body)]
    export = Export(collector.url)
    export.queue.start()
    export.spans(5)
    eventually(lambda: export.exported() == 3, "three of five are taken")
    assert export.dropped("refused") == 2
    export.queue.shutdown(1)


def test_a_body_that_is_no_protobuf_changes_nothing(collector: Collector) -> None:
    collector.replies = [Reply(200, {"Content-Type": "application/x-protobuf"}, b"\xff\xff\xff")]
    export = Export(collector.url)
    export.queue.start()
    export.spans(1)
    eventually(lambda: export.exported() == 1, "the status counts")
    export.queue.shutdown(1)


def test_a_collector_that_never_answers_holds_up_neither_spans_nor_the_end(collector: Collector) -> None:
    collector.replies = [Reply(hold=Event())]
    export = Export(collector.url, limit=100)
    export.queue.start()
    export.spans(1)
    eventually(lambda: collector.asked_at, "the export hangs")
    began = time.monotonic()
    export.spans(1_000)
    assert time.monotonic() - began < 0.5
    assert export.dropped("queue_full") >= 899
    export.queue.shutdown(0.2)
    assert time.monotonic() - began < 1.5
    assert export.dropped("shutdown") >= 1


def test_what_waits_at_the_end_is_sent(collector: Collector) -> None:
    export = Export(collector.url)
    export.queue.interval_s = 60
    export.queue.start()
    export.spans(3)
    export.queue.shutdown(5)
    assert len(collector.spans()) == 3


def test_an_export_that_was_never_started_ends_too() -> None:
    export = Export("http://127.0.0.1:9")
    export.spans(2)
    export.queue.shutdown(1)
    assert export.dropped("shutdown") == 2


def test_an_item_that_cannot_be_encoded_does_not_end_the_thread(collector: Collector) -> None:
    export = Export(collector.url)
    export.queue.start()
    export.queue.put("no span")  # type: ignore[arg-type]
    eventually(lambda: export.dropped("refused") == 1, "the odd item is counted")
    export.spans(1)
    eventually(lambda: len(collector.spans()) == 1, "the next span arrives")
    export.queue.shutdown(1)
