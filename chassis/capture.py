"""Leads everything else that a process says about itself into the service's log.

The standard library's loggers (uvicorn, httpx, transformers …), warnings, and exceptions that nobody caught.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import Any

from chassis.logs import Logs

# One line a request, or a line an attempt: the access line and the spans say it better.
_NOISY = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "urllib3": logging.ERROR,
    "opentelemetry.attributes": logging.ERROR,
    "multipart": logging.WARNING,
    "python_multipart": logging.WARNING,
    "asyncio": logging.WARNING,
}
# What the export path says must not be exported: it would answer itself.
_KEPT_HOME = ("opentelemetry.", "urllib3", "requests")


class Capture:
    """Installed for the whole process, by ``start``; ``stop`` puts everything back."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self.handler = _Handler(logs)
        self._before: tuple[Any, ...] = ()

    def start(self) -> None:
        root = logging.getLogger()
        self._before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, warnings.showwarning)
        root.handlers[:] = [self.handler]
        root.setLevel(self._logs.level)
        logging.captureWarnings(True)
        sys.excepthook = self._uncaught
        threading.excepthook = self._uncaught_in_thread
        for name, level in _NOISY.items():
            logging.getLogger(name).setLevel(level)
        self.adopt()

    def stop(self) -> None:
        if not self._before:
            return
        root = logging.getLogger()
        root.handlers[:], level, sys.excepthook, threading.excepthook, showwarning = self._before
        root.setLevel(level)
        logging.captureWarnings(False)
        warnings.showwarning = showwarning
        self._before = ()

    def adopt(self) -> None:
        """Take their own handlers from loggers that libraries set up at import (transformers); call after imports."""
        for logger in list(logging.root.manager.loggerDict.values()):
            if isinstance(logger, logging.Logger) and (logger.handlers or not logger.propagate):
                logger.handlers.clear()
                logger.propagate = True

    def loop_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """For ``loop.set_exception_handler``: a task's exception that nobody awaited."""
        self._logs.emit("ERROR", "asyncio", str(context.get("message", "")), error=context.get("exception"))

    def _uncaught(self, kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, tb)
            return
        self._logs.emit("CRITICAL", "sys.excepthook", f"uncaught {kind.__name__}", error=error)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or isinstance(args.exc_value, SystemExit):
            return
        thread = args.thread.name if args.thread else "?"
        message = f"uncaught {args.exc_type.__name__} in thread {thread}"
        self._logs.emit("ERROR", "threading.excepthook", message, error=args.exc_value)


class _Handler(logging.Handler):
    """Hands a standard record to the log."""

    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError) as error:
            message = f"{record.msg} (its arguments do not fit: {error})"
        self._logs.emit(
            _level(record.levelno),
            record.name,
            message,
            error=record.exc_info[1] if record.exc_info else None,
            export=not record.name.startswith(_KEPT_HOME),
        )


def _level(number: int) -> str:
    for level, least in (("CRITICAL", 50), ("ERROR", 40), ("WARNING", 30), ("INFO", 20)):
        if number >= least:
            return level
    return "DEBUG"
