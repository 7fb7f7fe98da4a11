"""A span around a block of code, and what a failure leaves behind: a status, an event, one line in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode

from chassis import semconv
from chassis.logs import Logs, stack_of, type_of
from chassis.tracing import LONGEST_IN_EVENT

LONGEST_DESCRIPTION = 1_024
_REPORTED = "_telemetry_reported"  # set on an exception whose stack stands on a span already


class SpanBlock:
    """A span that is current between enter and exit; written out, because a generator would cost twice as much."""

    __slots__ = ("_context", "_log_errors", "_logs", "_token", "span")

    def __init__(self, logs: Logs, span: Span, context: Context | None, log_errors: bool) -> None:
        self.span = span
        self._logs, self._context, self._log_errors = logs, context, log_errors

    def __enter__(self) -> Span:
        self._token = otel_context.attach(trace.set_span_in_context(self.span, self._context))
        return self.span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is not None:
            fail(self._logs, self.span, error, self._log_errors)
        otel_context.detach(self._token)
        self.span.end()


def fail(logs: Logs, span: Span, error: BaseException, log: bool = True) -> None:
    """Mark a span as failed.

    The exception event with its stack and the one ERROR line go to the first span that the exception reaches; spans
    further out get the status alone. An exception whose class says ``expected = True`` is an answer, not a failure:
    it leaves its type on the span and nothing else. A cancellation is a status without event or line.
    """
    span.set_attribute("error.type", type_of(error))
    if getattr(error, "expected", False):
        return
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        span.set_status(StatusCode.ERROR, "cancelled")
        return
    span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}"[:LONGEST_DESCRIPTION])
    if not error.__dict__.get(_REPORTED):
        error.__dict__[_REPORTED] = True
        _report(logs, span, error, log)


def _report(logs: Logs, span: Span, error: BaseException, log: bool) -> None:
    stack = stack_of(error)
    event = {
        "exception.type": type_of(error),
        "exception.message": str(error)[:LONGEST_DESCRIPTION],
        "exception.stacktrace": stack[-LONGEST_IN_EVENT:],  # the end: that is where the error is
    }
    span.add_event("exception", event)
    if log:
        message = f"{getattr(span, 'name', 'work')} failed: {type(error).__name__}: {error}"
        logs.emit("ERROR", logs.service, message, _model(span), error=error, stack=stack, span=span)


def _model(span: Span) -> dict[str, Any]:
    """The model a span works for, as fields of its error line."""
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    names = {"model_name": semconv.ML_MODEL_NAME, "model_version": semconv.ML_MODEL_VERSION}
    return {field: attributes[name] for field, name in names.items() if name in attributes}
