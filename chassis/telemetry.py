"""Telemetry of one service: traces, metrics and logs behind one object that is handed to whoever needs it.

No provider is global; only W3C propagation and the stable names of OpenTelemetry's conventions are set for the process.
"""

from __future__ import annotations

import asyncio
import platform
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Token
from typing import TYPE_CHECKING, Any

from opentelemetry import baggage, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Link, NoOpTracerProvider, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.util.types import AttributeValue

from chassis import instrument, semconv, spans, telemetry_knobs
from chassis.capture import Capture
from chassis.clock import Clock
from chassis.knobs import Knobs
from chassis.logs import Logs
from chassis.metrics import Metrics
from chassis.pipeline import Pipelines
from chassis.semconv import Metric
from chassis.settings import Settings
from chassis.spans import SpanBlock
from chassis.tracing import TracerProvider

if TYPE_CHECKING:
    import httpx
    import redis.asyncio
    from fastapi.telemetry import TelemetryConfig
    from loguru import Logger

Attributes = Mapping[str, AttributeValue]
MAX_BAGGAGE_VALUE = 128  # characters of one entry; it is sent with every request


class Telemetry:
    """Spans, metrics and logs of ``service``.

    ``start`` opens the exports and captures the process's other logs; ``shutdown`` sends what is left. With
    ``settings.telemetry`` off there are no spans and no exports; metrics for scraping and logs on stdout remain.
    """

    def __init__(self, service: str, settings: Settings, *, port: int = 0, clock: Clock | None = None) -> None:
        instrument.use_stable_conventions()
        self.service, self.settings, self.clock = service, settings, clock or Clock()
        self.instance = settings.instance or f"{socket.gethostname()}:{port}"
        self.knobs = Knobs()
        self.metrics = Metrics(service)
        resource = _resource(service, settings, self.instance)
        self._pipelines = Pipelines(resource, settings, self.metrics, self._warn) if settings.telemetry else None
        self.tracer_provider: TracerProvider | NoOpTracerProvider = NoOpTracerProvider()
        if self._pipelines:
            self.tracer_provider = TracerProvider(resource, self.clock, self._pipelines.spans.put)
        self.tracer = self.tracer_provider.get_tracer(semconv.NAMESPACE)
        export = self._pipelines.logs.put if self._pipelines else None
        self.logs = Logs(
            *(service, self.clock, settings.log_level),
            export=export,
            info_share=settings.info_logs,
            left_out=lambda: self.metrics.count(semconv.LOG_LINES_LEFT_OUT),
        )
        self.metrics.count(semconv.LOG_LINES_LEFT_OUT, 0)  # there from the start, so that its rate is right
        self.log: Logger = self.logs.log
        self._capture = Capture(self.logs)
        telemetry_knobs.register(self.knobs, self.clock, self.logs)
        if self._pipelines and self._recording:
            telemetry_knobs.register_exports(self.knobs, self._pipelines, self._recording)

    # Life

    def start(self) -> None:
        """Open the exports and lead the process's other logs, warnings and uncaught exceptions into the log."""
        self._capture.start()
        if self._pipelines:
            self._pipelines.start()
        build = {"version": self.settings.version, "python_version": platform.python_version()}
        self.metrics.gauge(semconv.BUILD_INFO, 1, **build)

    def deployed(self, kind: str, **facts: object) -> None:
        """Something was rolled out here (``start``, ``canary``): counted, timed, and one line ``deployment``."""
        self.count(semconv.DEPLOYMENTS, kind=kind)
        self.gauge(semconv.DEPLOYED_AT, self.clock.now_ns() / 1e9, kind=kind)
        self.log.bind(kind=kind, version=self.settings.version, **facts).info("deployment")

    def flush(self, timeout: float = 3.0) -> bool:
        """Send spans and log records now; False where that took longer than ``timeout`` seconds."""
        return self._pipelines.flush(timeout) if self._pipelines else True

    def shutdown(self, timeout: float = 3.0) -> None:
        """Send what is left, within ``timeout`` seconds, and put the process's hooks back."""
        if self._pipelines:
            self._pipelines.shutdown(timeout)
        self._capture.stop()

    def adopt_loggers(self) -> None:
        """Lead libraries that set up their own log handlers at import into the log; call after late imports."""
        self._capture.adopt()

    def loop_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """For ``loop.set_exception_handler``."""
        self._capture.loop_exception(loop, context)

    # Traces

    def span(
        self,
        name: str,
        attributes: Attributes | None = None,
        *,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[Link] = (),
        start_time: int | None = None,
        log_errors: bool = True,
    ) -> SpanBlock:
        """``with telemetry.span("preprocess") as span:`` - a current span for the length of the block.

        An exception that leaves the block is on the span and in the log (``fail``), and goes on.
        """
        span = self.tracer.start_span(name, context, kind, attributes, links, start_time)
        return SpanBlock(self.logs, span, context, log_errors)

    def start_span(
        self,
        name: str,
        attributes: Attributes | None = None,
        *,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[Link] = (),
        start_time: int | None = None,
    ) -> Span:
        """A span that is not made current, for the caller to end."""
        return self.tracer.start_span(name, context, kind, attributes, links, start_time)

    def fail(self, span: Span, error: BaseException, *, log: bool = True) -> None:
        """Mark a span as failed by ``error``: status, exception event and one line in the log; see ``spans.fail``."""
        spans.fail(self.logs, span, error, log)

    def current_span(self) -> Span:
        """The current span; one that records nothing outside a trace."""
        return trace.get_current_span()

    def current_context(self) -> Context:
        """The current trace and baggage, to be carried over a queue or into a thread."""
        return otel_context.get_current()

    def attach(self, context: Context) -> Token[Context]:
        """Make a carried context current; give the token to ``detach``."""
        return otel_context.attach(context)

    def detach(self, token: Token[Context]) -> None:
        otel_context.detach(token)

    def trace_id(self) -> str:
        """The current trace's id, 32 hexadecimal digits; empty outside a trace."""
        context = trace.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else ""

    def span_id(self) -> str:
        """The current span's id, 16 hexadecimal digits; empty outside a trace."""
        context = trace.get_current_span().get_span_context()
        return f"{context.span_id:016x}" if context.is_valid else ""

    def link(self, trace_id: str, span_id: str) -> Link:
        """A link to a span that is known by its ids only. Raises ValueError where these are not hexadecimal."""
        return Link(SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(1)))

    def set(self, attribute: str, value: AttributeValue) -> None:
        """Set an attribute of the current span."""
        trace.get_current_span().set_attribute(attribute, value)

    @contextmanager
    def baggage(self, entries: Mapping[str, str]) -> Iterator[None]:
        """W3C baggage for every call made in the block; values are cut at 128 characters, empty ones left out."""
        context = otel_context.get_current()
        for name, value in entries.items():
            if value:
                context = baggage.set_baggage(name, value[:MAX_BAGGAGE_VALUE], context)
        token = otel_context.attach(context)
        try:
            yield
        finally:
            otel_context.detach(token)

    def get_baggage(self, name: str) -> str:
        """A baggage entry that came with the request, or was set here; empty where there is none."""
        value = baggage.get_baggage(name)
        return value[:MAX_BAGGAGE_VALUE] if isinstance(value, str) else ""

    def fastapi_config(self) -> TelemetryConfig:
        """``FastAPI(telemetry=...)``."""
        return instrument.fastapi_config(self._recording)

    def instrument_httpx(self, client: httpx.AsyncClient, peer: str = "") -> None:
        """Spans and trace headers for one client's requests; ``peer`` becomes their ``peer.service``."""
        if provider := self._recording:
            instrument.instrument_httpx(client, provider, peer)

    def instrument_redis(self, client: redis.asyncio.Redis, peer: str = "redis") -> None:
        """Spans for one client's commands and pipelines, without keys or values."""
        if provider := self._recording:
            instrument.instrument_redis(client, provider, peer)

    # Metrics

    def count(self, metric: Metric, amount: float = 1, /, **labels: str) -> None:
        """Add to a counter. Raises TypeError for labels that differ from the declaration, as all four do."""
        self.metrics.count(metric, amount, **labels)

    def count_example(self, metric: Metric, amount: float, trace_id: str, span_id: str, /, **labels: str) -> None:
        """Add to a counter with another trace than the current one as its exemplar: one that is past, say."""
        self.metrics.count(metric, amount, _exemplar(trace_id, span_id), **labels)

    def observe_example(self, metric: Metric, value: float, trace_id: str, span_id: str, /, **labels: str) -> None:
        """Observe in a histogram with another trace than the current one as its exemplar."""
        self.metrics.observe(metric, value, _exemplar(trace_id, span_id), **labels)

    # exemplar_span is a Span or None; typed so, it would forbid every caller's **dict[str, str] of labels.
    def observe(self, metric: Metric, value: float, /, *, exemplar_span: Any = None, **labels: str) -> None:
        """Observe in a histogram, and in its exponential twin; the current or given span is the exemplar if sampled."""
        context = (exemplar_span or trace.get_current_span()).get_span_context()
        exemplar = None
        if context.trace_flags & 1:
            exemplar = {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
        self.metrics.observe(metric, value, exemplar, **labels)
        if self._pipelines and self._pipelines.native:
            self._pipelines.native.record(metric, value, labels)

    def gauge(self, metric: Metric, value: float, /, **labels: str) -> None:
        self.metrics.gauge(metric, value, **labels)

    def gauge_callback(self, metric: Metric, read: Callable[[], float], /, **labels: str) -> None:
        """Let a gauge ask for its value at every scrape, on the scraping thread."""
        self.metrics.gauge_callback(metric, read, **labels)

    # Inside

    @property
    def _recording(self) -> TracerProvider | None:
        return self.tracer_provider if isinstance(self.tracer_provider, TracerProvider) else None

    def _warn(self, message: str) -> None:
        self.logs.emit("WARNING", __name__, message, export=False)


def _exemplar(trace_id: str, span_id: str) -> dict[str, str] | None:
    return {"trace_id": trace_id, "span_id": span_id} if trace_id else None


def _resource(service: str, settings: Settings, instance: str) -> Resource:
    return Resource.create(
        {
            "service.name": service,
            "service.namespace": semconv.NAMESPACE,
            "service.version": settings.version,
            "service.instance.id": instance,
            "deployment.environment.name": settings.environment,
        }
    )
