"""The SDK's tracer with the service's clock, a share of traces to record, and less work a span.

Nothing here is global: FastAPI, httpx and redis are handed this provider.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import Attributes

from chassis.clock import Clock
from chassis.sampling import in_share

# Wide enough for any attribute of ours, and for a stack trace; narrow enough that no span grows without bound.
MAX_ATTRIBUTES, MAX_EVENTS, MAX_LINKS = 64, 32, 32
LONGEST_ATTRIBUTE, LONGEST_IN_EVENT = 2_048, 16_384
LIMITS = sdk.SpanLimits(
    max_span_attributes=MAX_ATTRIBUTES,
    max_events=MAX_EVENTS,
    max_links=MAX_LINKS,
    max_attribute_length=LONGEST_IN_EVENT,
    max_span_attribute_length=LONGEST_ATTRIBUTE,
)
_UNSET = Status(StatusCode.UNSET)
SAMPLED = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
UNSAMPLED = TraceFlags(TraceFlags.DEFAULT | TraceFlags.RANDOM_TRACE_ID)


class _Attributes(dict[str, Any]):
    """What the SDK's span wants of its attributes, on a plain dict: bounded in number, strings bounded in length.

    The SDK's own takes a lock and several checks of abstract types for every value, a third of a span's cost.
    """

    __slots__ = ("_immutable", "dropped")

    def __init__(self, attributes: Attributes) -> None:
        self._immutable = False
        self.dropped = 0
        if attributes:
            self._set_items(attributes)

    def __setitem__(self, key: str, value: Any) -> None:
        if len(self) >= MAX_ATTRIBUTES and key not in self:
            self.dropped += 1
            return
        if isinstance(value, str) and len(value) > LONGEST_ATTRIBUTE:
            value = value[:LONGEST_ATTRIBUTE]
        super().__setitem__(key, value)

    def _set_items(self, attributes: Mapping[str, Any]) -> None:
        for key, value in attributes.items():
            self[key] = value


class Span(sdk.Span):
    """The SDK's span, stamped by the service's clock and set up with less work."""

    def __init__(
        self,
        tracer: Tracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link],
        record_exception: bool,
        set_status_on_exception: bool,
    ) -> None:
        # Every field that the SDK's two constructors set; a test compares them, for the day the SDK changes.
        self._name, self._context, self._parent, self._kind = name, context, parent, kind
        self._instrumentation_info = None
        self._instrumentation_scope = tracer._instrumentation_scope
        self._resource, self._sampler, self._trace_config = tracer.resource, tracer.sampler, None
        self._span_processor, self._limits = tracer.span_processor, LIMITS
        self._record_exception, self._set_status_on_exception = record_exception, set_status_on_exception
        self._record_end_metrics = None
        self._status = _UNSET
        self._start_time = self._end_time = None
        self._lock = Lock()
        self._attributes = _Attributes(attributes)
        self._events = deque(maxlen=MAX_EVENTS)
        self._links = tuple(links)[:MAX_LINKS]
        self._clock = tracer.provider.clock

    def end(self, end_time: int | None = None) -> None:
        super().end(self._clock.now_ns() if end_time is None else end_time)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        super().add_event(name, attributes, self._clock.now_ns() if timestamp is None else timestamp)

    def _readable_span(self) -> sdk.ReadableSpan:
        # An ended span refuses every change, so the copy that the SDK makes for its exporter is work for nothing.
        return self


class Tracer(sdk.Tracer):
    """Starts spans: a child follows its parent's sampled flag, a root the provider's ``sample_ratio``."""

    provider: TracerProvider
    constant: Mapping[str, Any] | None = None  # attributes of every span, such as the peer a client calls

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        """A started span; its parent is the span in ``context``, or the current one. Times are in nanoseconds."""
        provider = self.provider
        parent: SpanContext | None = trace.get_current_span(context).get_span_context()
        if parent is not None and parent.is_valid:
            trace_id, flags, state = parent.trace_id, parent.trace_flags, parent.trace_state
            flags = TraceFlags(flags & SAMPLED)
        else:
            parent, trace_id, state = None, self.id_generator.generate_trace_id(), None
            flags = SAMPLED if in_share(trace_id, provider.sample_ratio) else UNSAMPLED
        own = SpanContext(trace_id, self.id_generator.generate_span_id(), False, flags, state)
        if not flags & TraceFlags.SAMPLED:
            return trace.NonRecordingSpan(own)
        if self.constant:
            attributes = {**self.constant, **(attributes or {})}
        span = Span(self, name, own, parent, kind, attributes, links or (), record_exception, set_status_on_exception)
        span.start(provider.clock.now_ns() if start_time is None else start_time, context)
        return span


class _Handover(sdk.SpanProcessor):
    """Gives each ended span to ``receive``; the only processor, called without the SDK's loop over a list."""

    def __init__(self, receive: Callable[[sdk.ReadableSpan], None]) -> None:
        self.on_end = receive  # type: ignore[method-assign, assignment]


class TracerProvider(sdk.TracerProvider):
    """Makes tracers whose ended spans go to ``receive``."""

    def __init__(self, resource: Resource, clock: Clock, receive: Callable[[sdk.ReadableSpan], None]) -> None:
        # shutdown_on_exit would keep every provider alive until the process ends.
        super().__init__(ALWAYS_ON, resource, shutdown_on_exit=False, span_limits=LIMITS)
        self._active_span_processor = _Handover(receive)  # type: ignore[assignment]
        self.clock = clock
        self.sample_ratio = 1.0
        self._made: dict[InstrumentationScope, Tracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """The tracer of one instrumentation scope."""
        scope = InstrumentationScope(instrumenting_module_name, instrumenting_library_version or "", schema_url)
        if scope not in self._made:
            self._made[scope] = self.make_tracer(Tracer, scope)
        return self._made[scope]

    def make_tracer(self, kind: type[Tracer], scope: InstrumentationScope) -> Tracer:
        tracer = kind(
            self.sampler,
            self.resource,
            self._active_span_processor,
            self.id_generator,
            None,  # type: ignore[arg-type]  # InstrumentationInfo is deprecated
            LIMITS,
            scope,
        )
        tracer.provider = self
        return tracer


class ClientProvider(trace.TracerProvider):
    """Hands an instrumentation tracers of ``kind`` that put ``constant`` on each of their spans.

    The instrumentations' own hooks are not called for every span, and cost more.
    """

    def __init__(self, provider: TracerProvider, constant: Mapping[str, Any], kind: type[Tracer] = Tracer) -> None:
        self._provider, self._constant, self._kind = provider, constant, kind

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """A tracer of its own for each call: one a client."""
        scope = InstrumentationScope(instrumenting_module_name, instrumenting_library_version or "", schema_url)
        tracer = self._provider.make_tracer(self._kind, scope)
        tracer.constant = self._constant
        return tracer
