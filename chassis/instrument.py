"""OpenTelemetry's instrumentations for one app or client each, with a service's own provider."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis import semconv
from chassis.tracing import ClientProvider, Tracer, TracerProvider

if TYPE_CHECKING:
    import httpx
    import redis.asyncio
    from fastapi.telemetry import TelemetryConfig

HEALTH_PATHS = frozenset({"/healthz", "/readyz"})


def use_stable_conventions() -> None:
    """What the instrumentations read from the process, once: stable names, W3C propagation whatever the environment."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    propagate.set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]))


def fastapi_config(provider: TracerProvider | None) -> TelemetryConfig:
    """``FastAPI(telemetry=...)``: server spans alone, none for health checks, nothing at all without a provider."""
    return {
        "tracer_provider": provider,
        "tracing": provider is not None,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": _is_health,
    }


def _is_health(scope: MutableMapping[str, Any]) -> bool:
    return scope.get("path") in HEALTH_PATHS


def instrument_httpx(client: httpx.AsyncClient, provider: TracerProvider, peer: str) -> None:
    """Client spans and trace headers for every request of ``client``; ``peer`` is the service it calls."""
    HTTPXClientInstrumentor.instrument_client(
        client,
        tracer_provider=ClientProvider(provider, _peer(peer)),
        meter_provider=NoOpMeterProvider(),
    )


def instrument_redis(client: redis.asyncio.Redis, provider: TracerProvider, peer: str) -> None:
    """Client spans for every command and pipeline of ``client``. Keys and values show as ``?``."""
    RedisInstrumentor.instrument_client(client, tracer_provider=ClientProvider(provider, _peer(peer), _RedisTracer))


def _peer(peer: str) -> dict[str, str]:
    return {semconv.PEER_SERVICE: peer} if peer else {}


class _RedisTracer(Tracer):
    """Names a pipeline's span as the conventions do, and not by every command in it, one after the other."""

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> Span:
        operation, size = _operation(name)
        span = super().start_span(operation, *args, **kwargs)
        span.set_attribute("db.operation.name", operation)
        if size > 1:
            span.set_attribute("db.operation.batch.size", size)
        return span


def _operation(name: str) -> tuple[str, int]:
    """``HGET HGET`` is ``PIPELINE HGET`` of 2, ``HGET GET`` is ``PIPELINE`` of 2, ``HGET`` is itself."""
    commands = name.split()
    if len(commands) < 2:
        return name, 1
    return (f"PIPELINE {commands[0]}" if len(set(commands)) == 1 else "PIPELINE"), len(commands)
