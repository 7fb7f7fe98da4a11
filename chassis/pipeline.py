"""The way out: the three exports of one service, started, flushed and ended together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import monotonic

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from chassis.encoding import encode_logs, encode_spans
from chassis.exporting import BatchExporter, CollectorSession, Send, Warn, sender, silence_exporters
from chassis.logs import Event
from chassis.metrics import Metrics
from chassis.native import NativeHistograms
from chassis.settings import Settings

TIMEOUT_S = 10.0  # of one request to the collector; what it answers later than that, it may be sent twice
NATIVE_INTERVAL_S = 10.0


class Pipelines:
    """Spans and log events by queue and thread; exponential histograms by a reader of their own."""

    def __init__(self, resource: Resource, settings: Settings, metrics: Metrics, warn: Warn) -> None:
        silence_exporters()
        self._resource, self._metrics, self._warn = resource, metrics, warn
        self._endpoint = settings.otlp_endpoint.rstrip("/")
        interval = settings.export_interval_s
        self.spans: BatchExporter[ReadableSpan] = BatchExporter("traces", self._span_sender(), metrics, warn, interval)
        self.logs: BatchExporter[Event] = BatchExporter("logs", self._log_sender(), metrics, warn, interval)
        self.native: NativeHistograms | None = None

    def start(self) -> None:
        self.spans.start()
        self.logs.start()
        self.native = NativeHistograms(
            self._resource,
            self._endpoint,
            self._metrics,
            self._warn,
            interval_s=NATIVE_INTERVAL_S,
            timeout_s=TIMEOUT_S,
        )

    def flush(self, timeout: float) -> bool:
        """Send spans and log records now; False where that took longer than ``timeout`` seconds."""
        until = monotonic() + timeout
        spans = self.spans.flush(timeout)
        return self.logs.flush(max(0.0, until - monotonic())) and spans

    def shutdown(self, timeout: float) -> None:
        """Send what is left and end the threads, within ``timeout`` seconds."""
        until = monotonic() + timeout
        for end in (self.spans.shutdown, self.logs.shutdown, *([self.native.shutdown] if self.native else [])):
            end(max(0.1, until - monotonic()))

    def _span_sender(self) -> Send[ReadableSpan]:
        session = CollectorSession()
        exporter = SpanExporter(f"{self._endpoint}/v1/traces", timeout=TIMEOUT_S, session=session)
        return sender(exporter.export, session)

    def _log_sender(self) -> Send[Event]:
        session = CollectorSession()
        exporter = LogExporter(f"{self._endpoint}/v1/logs", timeout=TIMEOUT_S, session=session)
        return sender(partial(exporter.export_events, self._resource), session)


class SpanExporter(OTLPSpanExporter):
    """OpenTelemetry's exporter with this chassis' encoding."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one chunk; what became of it stands in the session."""
        delivered = self._client.export(encode_spans(spans, spans[0].resource)).success
        return SpanExportResult.SUCCESS if delivered else SpanExportResult.FAILURE


class LogExporter(OTLPLogExporter):
    """OpenTelemetry's exporter, fed with events: the SDK's log records would be made only to be encoded."""

    def export_events(self, resource: Resource, events: Sequence[Event]) -> None:
        """Send one chunk; what became of it stands in the session."""
        self._client.export(encode_logs(events, resource))
