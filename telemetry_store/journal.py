"""The store's own log: one JSON line an event on standard output."""

import logging
import sys
import time

import orjson


class JsonLines(logging.Formatter):
    """Timestamp, level, logger, message and, for an error, the stack."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            event["stack"] = self.formatException(record.exc_info)
        return orjson.dumps(event).decode()


def log_to_stdout() -> None:
    """Send every logger's events to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
