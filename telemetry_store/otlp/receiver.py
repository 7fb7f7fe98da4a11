"""The OTLP/HTTP server: /v1/traces, /v1/logs, /v1/metrics.

Answers follow the OTLP specification: 200 with a partial success, 400/413/415 for what must not be sent
again, 429 with Retry-After when the queue is full, 503 with Retry-After while shutting down.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from telemetry_store.ingest.queue import IngestQueue, Parcel
from telemetry_store.metrics.native import NativeHistograms
from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.otlp.body import BodyError, read_body
from telemetry_store.otlp.check import take_out_bad_records, take_out_bad_spans
from telemetry_store.otlp.decode import decode

PROTOBUF, JSON = "application/x-protobuf", "application/json"
RETRY_SECONDS = "1"
_SMALL = 64 * 1024  # bytes that decode in a fraction of a millisecond, not worth a trip to a thread


class Receiver:
    """Decodes requests and puts them into the queue."""

    def __init__(self, queue: IngestQueue, native: NativeHistograms, metrics: OwnMetrics, body_limit: int) -> None:
        self._queue, self._native, self._metrics, self._limit = queue, native, metrics, body_limit
        self.closing = False

    def app(self) -> Starlette:
        """The ASGI application."""
        handlers = {"traces": self._traces, "logs": self._logs, "metrics": self._data_points}
        routes = [
            Route(f"/v1/{signal}", self._guard(signal, take), methods=["POST"]) for signal, take in handlers.items()
        ]
        return Starlette(routes=routes)

    def _guard(
        self, signal: str, take: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            if self.closing:
                return _answer(request, Status(message="shutting down"), 503, {"Retry-After": RETRY_SECONDS})
            try:
                return await take(request)
            except BodyError as error:
                self._metrics.bad_requests.labels(signal, str(error.status)).inc()
                return _answer(request, Status(code=3, message=str(error)), error.status)
            except ClientDisconnect:
                self._metrics.bad_requests.labels(signal, "disconnected").inc()
                return Response(status_code=400)

        return handle

    async def _traces(self, request: Request) -> Response:
        message, size = await self._message(request, ExportTraceServiceRequest())
        left, rejected, reason = take_out_bad_spans(message)
        if left and not self._queue.put(Parcel("traces", message, left, size)):
            return self._full(request, "traces", left)
        self._metrics.spans_received.inc(left)
        self._count("traces", left, rejected)
        answer = ExportTraceServiceResponse()
        if rejected:
            answer.partial_success.rejected_spans = rejected
            answer.partial_success.error_message = reason
        return _answer(request, answer)

    async def _logs(self, request: Request) -> Response:
        message, size = await self._message(request, ExportLogsServiceRequest())
        left, rejected, reason = take_out_bad_records(message)
        if left and not self._queue.put(Parcel("logs", message, left, size)):
            return self._full(request, "logs", left)
        self._metrics.lines_received.inc(left)
        self._count("logs", left, rejected)
        answer = ExportLogsServiceResponse()
        if rejected:
            answer.partial_success.rejected_log_records = rejected
            answer.partial_success.error_message = reason
        return _answer(request, answer)

    async def _data_points(self, request: Request) -> Response:
        message, _ = await self._message(request, ExportMetricsServiceRequest())
        left, rejected = self._native.take(message)
        self._count("metrics", left, rejected)
        answer = ExportMetricsServiceResponse()
        if rejected:
            answer.partial_success.rejected_data_points = rejected
            answer.partial_success.error_message = "only exponential histograms are kept"
        return _answer(request, answer)

    async def _message(self, request: Request, message: Any) -> tuple[Any, int]:
        body = await read_body(request, self._limit)
        content_type = _content_type(request)
        if len(body) > _SMALL or content_type == JSON:
            return await asyncio.to_thread(decode, body, content_type, message), len(body)
        return decode(body, content_type, message), len(body)

    def _full(self, request: Request, signal: str, items: int) -> Response:
        self._metrics.refused.labels(signal).inc(items)
        return _answer(request, Status(code=8, message="the queue is full"), 429, {"Retry-After": RETRY_SECONDS})

    def _count(self, signal: str, left: int, rejected: int) -> None:
        self._metrics.received.labels(signal).inc(left)
        if rejected:
            self._metrics.dropped.labels(signal, "rejected").inc(rejected)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _answer(request: Request, message: Message, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`message` in the request's own encoding, as OTLP wants it."""
    if _content_type(request) == JSON:
        return Response(MessageToJson(message), status, headers, media_type=JSON)
    return Response(message.SerializeToString(), status, headers, media_type=PROTOBUF)
