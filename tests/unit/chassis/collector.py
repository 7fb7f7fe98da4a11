"""A collector on a real socket: keeps what it is sent, and answers from a script."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_MESSAGES: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}


@dataclass
class Reply:
    """One answer of the collector; ``hold`` keeps it back until it is set."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hold: Event | None = None


@dataclass
class Collector:
    """``replies`` are used up in order, the last one for ever."""

    port: int = 0
    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    taken: list[Any] = field(default_factory=list)  # what was answered with a 2xx, decoded
    asked_at: list[float] = field(default_factory=list)
    request_headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[Any]:
        return [
            span
            for request in self.taken
            if isinstance(request, ExportTraceServiceRequest)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def logs(self) -> list[Any]:
        return [
            record
            for request in self.taken
            if isinstance(request, ExportLogsServiceRequest)
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> dict[str, Any]:
        return {
            metric.name: metric
            for request in self.taken
            if isinstance(request, ExportMetricsServiceRequest)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@contextmanager
def collecting(collector: Collector) -> Iterator[Collector]:
    """``collector`` on a port of the loopback: its own, or a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", collector.port), _handler(collector))
    server.daemon_threads = True
    collector.port = server.server_port
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        for reply in collector.replies:
            if reply.hold:
                reply.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(2)


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            collector.asked_at.append(time.monotonic())
            collector.request_headers.append(dict(self.headers.items()))
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = collector.replies.pop(0) if len(collector.replies) > 1 else collector.replies[0]
            if reply.hold:
                reply.hold.wait(10)
            if reply.status < 300:
                collector.taken.append(_MESSAGES[self.path].FromString(gzip.decompress(body)))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
