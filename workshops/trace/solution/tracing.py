"""One way for all three services to emit spans and log lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


class Tracing:
    """A service's provider, and what goes with it."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.provider = TracerProvider(resource=Resource.create({"service.name": service}))
        # The endpoint comes from OTEL_EXPORTER_OTLP_ENDPOINT.
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer = self.provider.get_tracer(service)

    def app(self, **options: object) -> FastAPI:
        """A FastAPI that makes a server span of each request but health checks, continuing its caller's trace."""
        telemetry = {
            "tracer_provider": self.provider,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "exclude": lambda scope: scope["path"] == "/healthz",
        }
        return FastAPI(title=self.service, telemetry=telemetry, **options)

    def say(self, message: str) -> None:
        """One JSON line that leads to the current span."""
        current = trace.get_current_span().get_span_context()
        line = {
            "timestamp": datetime.now(UTC).isoformat(),
            "level": "INFO",
            "message": message,
            "service": self.service,
            "trace_id": trace.format_trace_id(current.trace_id),
            "span_id": trace.format_span_id(current.span_id),
        }
        print(json.dumps(line), flush=True)
