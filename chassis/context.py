"""What travels with a request beside OpenTelemetry's own context."""

from __future__ import annotations

from contextvars import ContextVar

# A ContextVar has to be made once, at import: asyncio and copy_context carry it exactly as they carry the trace.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
