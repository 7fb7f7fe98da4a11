"""``python -m lab.pager``: PagerDuty's Events API v2, a webhook for tickets, and both to be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.pager.inbox import Inbox, Invalid
from lab.place import HOST, Place

_MOST_BYTES = 512_000  # PagerDuty's own limit


def main() -> None:
    run(Place.from_environment(), HOST)


def run(place: Place, host: str) -> None:
    """Serve until the process ends."""
    serve(host, place.port("pager"), Inbox()).serve_forever()


def serve(host: str, port: int, inbox: Inbox) -> ThreadingHTTPServer:
    """A server that is bound and not yet running."""
    handler = type("PagerHandler", (Handler,), {"inbox": inbox})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    return server


class Handler(BaseHTTPRequestHandler):
    """``POST /v2/enqueue`` and ``/v1/tickets``; ``GET /v1/incidents``, ``/v1/events``, ``/v1/tickets``."""

    inbox: Inbox
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        document = self._document()
        if document is None:
            self._answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": ["no JSON"]})
        elif self.path == "/v2/enqueue":
            self._enqueue(document)
        elif self.path == "/v1/tickets":
            self.inbox.ticket(document)
            self._answer(202, {"status": "success"})
        else:
            self._answer(404, {"status": "not found"})

    def do_GET(self) -> None:
        pages: dict[str, Callable[[], object]] = {
            "/v1/incidents": self.inbox.incidents,
            "/v1/events": self.inbox.events,
            "/v1/tickets": self.inbox.tickets,
            "/healthz": lambda: "ok",
        }
        page = pages.get(self.path)
        self._answer(200 if page else 404, page() if page else {"status": "not found"})

    def log_message(self, format: str, *args: object) -> None:
        """Silent: an incident is not a line of an access log."""

    def _enqueue(self, event: dict[str, Any]) -> None:
        try:
            key = self.inbox.enqueue(event)
        except Invalid as error:
            refused = {"status": "invalid event", "message": "Event object is invalid", "errors": list(error.args)}
            self._answer(400, refused)
            return
        print(json.dumps({"message": event["event_action"], "key": key}), flush=True)
        self._answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _document(self) -> dict[str, Any] | None:
        told = self.headers.get("Content-Length", "")
        length = int(told) if told.isdecimal() else 0
        if not 0 < length <= _MOST_BYTES:
            self.close_connection = True  # what is not read would pass for the next request
            self.rfile.read(min(length, 2 * _MOST_BYTES))  # a client that still writes would miss the answer
            return None
        try:
            document = json.loads(self.rfile.read(length))
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    main()
