"""Small threaded HTTP servers beside the service's own: they answer while the event loop is blocked.

Nothing here is instrumented, so neither scrapes nor control appear in traces or metrics.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import orjson
from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from chassis.telemetry import Telemetry

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 65_536
MAX_LENGTH_DIGITS = 10  # of an announced length; Python refuses to read numbers of thousands of digits
IDLE_S = 30.0  # a connection that says nothing for so long is closed


@dataclass(frozen=True)
class Request:
    """One request: its path decoded, its parameters as the route's pattern names them, its body read."""

    method: str
    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Answered as a problem document with this status."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.headers = status, title, detail, headers or {}

    def answer(self) -> Answer:
        kind = self.title.lower().replace(" ", "-")
        document = {"type": f"/problems/{kind}", "title": self.title, "status": self.status, "detail": self.detail}
        return Answer(self.status, orjson.dumps(document), "application/problem+json", self.headers)


Handler = Callable[[Request], Answer]


@dataclass(frozen=True)
class Route:
    """``pattern`` is a path with parts in braces: ``/v1/knobs/{name}``."""

    method: str
    pattern: str
    handler: Handler

    def match(self, path: str) -> Mapping[str, str] | None:
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.pattern), path)
        return None if found is None else found.groupdict()


def lower_case(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by their name in lower case: names are the same however they are written (RFC 9110)."""
    return {name.lower(): value for name, value in headers}


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(value))


class ThreadedServer:
    """An HTTP server on a thread of its own, with a table of routes that may grow before it starts."""

    def __init__(self, name: str, host: str, port: int, routes: Sequence[Route] = ()) -> None:
        self.routes = list(routes)
        self._server = _Server((host, port), self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.2,), name=name, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on: the one asked for, or the one the system chose for 0."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end the thread."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(2)
        self._server.server_close()

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The response to one request. Raises Refusal."""
        path = unquote(urlsplit(target).path, errors="replace")
        matches = [(route, found) for route in self.routes if (found := route.match(path)) is not None]
        if not matches:
            raise Refusal(404, "No such resource", "There is nothing at this path.")
        for route, parameters in matches:
            if route.method == method:
                return route.handler(Request(method, path, parameters, headers, body))
        allowed = ", ".join(sorted(route.method for route, _ in matches))
        raise Refusal(405, "Method not allowed", f"This path takes {allowed}.", {"Allow": allowed})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], owner: ThreadedServer) -> None:
        self.owner = owner
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        # HTTPServer would look up its own name in the DNS, which can take seconds.
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; what else there may be, `_serve` has answered and told."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = do_GET

    def _serve(self) -> None:
        try:
            answer = self._answer(self._body())
        except Refusal as refusal:
            answer = refusal.answer()
        self._send(answer)

    def _answer(self, body: bytes) -> Answer:
        try:
            return self.server.owner.answer(self.command, self.path, lower_case(self.headers.items()), body)
        except Refusal:
            raise
        except Exception as error:
            log.exception("a request could not be answered")
            raise Refusal(500, "Internal error", "The request failed; the log says why.") from error

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refusal(411, "Length required", "Send the body with a Content-Length.")
        if len(length) > MAX_LENGTH_DIGITS or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise Refusal(413, "The body is too large", f"At most {MAX_BODY_BYTES} bytes are read.")
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # The base class answers what it cannot parse with 501 or 505; either way it is the client's mistake.
        self.close_connection = True
        status = code if code < 500 else 400
        self._send(Refusal(status, message or "Bad request", explain or "The request could not be read.").answer())

    def log_message(self, format: str, *args: Any) -> None:
        """No line a request: a scraper comes every few seconds."""


class MetricsServer(ThreadedServer):
    """``GET /metrics``: OpenMetrics with exemplars where the client accepts it, else the text format."""

    def __init__(self, telemetry: Telemetry, host: str, port: int) -> None:
        self._registry = telemetry.metrics.registry
        super().__init__("metrics port", host, port, [Route("GET", "/metrics", self._metrics)])

    def _metrics(self, request: Request) -> Answer:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Answer(200, encode(self._registry), content_type)
