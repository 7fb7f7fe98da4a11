"""Logs: one JSON line an event on stdout, and the same event by OTLP, with the ids of the trace it belongs to.

Services log through loguru (``telemetry.log``); the standard library's loggers, warnings and uncaught exceptions are
led into the same two places by ``chassis.capture``.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import loguru
import orjson
from opentelemetry import trace
from opentelemetry.trace import SpanContext

from chassis.clock import Clock, rfc3339
from chassis.context import REQUEST_ID
from chassis.sampling import keeps_details

if TYPE_CHECKING:
    from loguru import Logger, Message

Correlate = Literal["all", "below_error", "none"]
LONGEST_MESSAGE = 8_192
LONGEST_STACK = 32_768  # Loki takes lines of up to 256 KB, but nobody reads them
_NUMBERS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "SUCCESS": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


@dataclass(slots=True)
class Event:
    """One log event as it waits for its export."""

    time_ns: int
    level: str
    message: str
    fields: dict[str, Any]
    stack: str
    span: SpanContext


class Logs:
    """The log of one service.

    ``log`` is loguru's logger with this service's sink alone. ``export`` receives each Event; None keeps them on
    stdout. ``correlate`` says which lines carry trace and span ids. ``info_share`` below 1 leaves lines of INFO and
    less out with their traces, each told to ``left_out``; those outside a trace, and WARNING and above, always stay.
    """

    def __init__(
        self,
        service: str,
        clock: Clock,
        level: str = "INFO",
        *,
        export: Callable[[Event], None] | None = None,
        write: Callable[[bytes], object] | None = None,
        info_share: float = 1.0,
        left_out: Callable[[], None] = lambda: None,
    ) -> None:
        self.service, self.clock, self.level = service, clock, level
        self.info_share, self._left_out = info_share, left_out
        self.correlate: Correlate = "all"
        self._export = export
        self._write: Callable[[bytes], object] | None = write or _to_stdout
        self.log = _logger(self._sink, level)

    def emit(
        self,
        level: str,
        logger: str,
        message: str,
        fields: Mapping[str, Any] | None = None,
        *,
        error: BaseException | None = None,
        stack: str = "",
        span: trace.Span | None = None,
        export: bool = True,
    ) -> None:
        """Log one event, with ``error`` and its stack, in the trace of ``span`` or of the current one.

        ``export=False`` keeps the event on stdout: for what is said about the export itself.
        """
        if _NUMBERS.get(level, 20) < _NUMBERS[self.level]:
            return
        if not self._kept(level, span):
            self._left_out()
            return
        known = {"logger": logger, **(fields or {})}
        if request_id := REQUEST_ID.get():
            known["request_id"] = request_id
        if error is not None:
            stack = stack or stack_of(error)
            known["exception_type"], known["exception_message"] = type_of(error), str(error)[:LONGEST_MESSAGE]
        context = self._context(level, span)
        event = Event(self.clock.now_ns(), level, message[:LONGEST_MESSAGE], known, stack, context)
        if self._write is not None:
            self._print(self._write, event)
        if export and self._export is not None:
            self._export(event)

    def _kept(self, level: str, span: trace.Span | None) -> bool:
        if self.info_share >= 1.0 or _NUMBERS.get(level, 20) > _NUMBERS["INFO"]:
            return True
        return keeps_details((span or trace.get_current_span()).get_span_context(), self.info_share)

    def _print(self, write: Callable[[bytes], object], event: Event) -> None:
        try:
            write(_line(self.service, event))
        except (OSError, ValueError) as error:
            # Whoever read this pipe has gone; a request does not fail for that, and the export still has the event.
            self._write = None
            self.emit("ERROR", __name__, f"stdout takes no more lines: {error}")

    def _context(self, level: str, span: trace.Span | None) -> SpanContext:
        if self.correlate == "none" or (self.correlate == "below_error" and level in ("ERROR", "CRITICAL")):
            return trace.INVALID_SPAN_CONTEXT
        return (span or trace.get_current_span()).get_span_context()

    def _sink(self, message: Message) -> None:
        # Called by loguru in the thread and context of the caller, because the sink is not enqueued.
        record = message.record
        error = record["exception"].value if record["exception"] else None
        fields: dict[str, Any] = record["extra"]
        self.emit(record["level"].name, record["name"] or "", record["message"], fields, error=error)


def _logger(sink: Callable[[Message], None], level: str) -> Logger:
    """A loguru logger of its own: loguru's recipe for independent loggers is a deep copy without handlers."""
    loguru.logger.remove()
    logger = deepcopy(loguru.logger)
    # The text is made by the sink. diagnose would print the values of variables: photos, keys, user ids.
    logger.add(sink, level=level, format=lambda _: "", backtrace=False, diagnose=False, catch=False)
    return logger


def _to_stdout(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _line(service: str, event: Event) -> bytes:
    line: dict[str, Any] = {
        "timestamp": rfc3339(event.time_ns),
        "level": event.level,
        "message": event.message,
        "service": service,
        **event.fields,
    }
    if event.span.is_valid:
        line["trace_id"], line["span_id"] = f"{event.span.trace_id:032x}", f"{event.span.span_id:016x}"
    if event.stack:
        line["exception_stacktrace"] = event.stack
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # half a surrogate pair in a text, an integer over 64 bits
        return json.dumps(line, default=str).encode() + b"\n"


def type_of(error: BaseException) -> str:
    """The exception's class as OpenTelemetry spells it: with its module, unless that is builtins."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def stack_of(error: BaseException) -> str:
    """The traceback with its causes; of a very long one the end, where the error is."""
    return "".join(traceback.format_exception(error))[-LONGEST_STACK:]
