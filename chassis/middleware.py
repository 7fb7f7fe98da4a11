"""The ASGI layers every service has, each a few lines; their order is one list in ``service.py``."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from contextlib import nullcontext

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import deadlines, semconv
from chassis.context import REQUEST_ID
from chassis.instrument import HEALTH_PATHS
from chassis.problems import Problem
from chassis.telemetry import Telemetry

REQUEST_ID_HEADER = "x-request-id"
# Values of the label method: those of RFC 9110, and PATCH; a client may send others, such as WebDAV's.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"})
OTHER_METHOD = "_OTHER"  # as OpenTelemetry calls them
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Gives the request its id and deadline: the caller's where they are well formed, else an id of its own."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app, self.telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID_HEADER, "")
        request_id = given if _GOOD_ID.fullmatch(given) else secrets.token_hex(8)
        token = REQUEST_ID.set(request_id)
        self.telemetry.set(semconv.REQUEST_ID, request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        seconds = deadlines.parse(headers.get(deadlines.HEADER, ""))
        try:
            with deadlines.deadline(seconds) if seconds else nullcontext():
                await self.app(scope, receive, send_with_id)
        finally:
            REQUEST_ID.reset(token)


class Measure:
    """Counts and times each request, and writes its access line, before the last byte leaves and the span ends."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app, self.telemetry = app, telemetry
        self._paths: set[str] = set()
        self._route = telemetry.knobs.share(
            "metrics.route",
            "template",
            "What stands in the label route; back at template, the series by path end.",
            choices=("template", "path"),
            on_change=self._forget_paths,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH_PATHS:
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def measured_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                self._record(scope, status, time.perf_counter() - started)
            await send(message)

        await self.app(scope, receive, measured_send)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        route = self.route(scope)
        self.telemetry.count(semconv.HTTP_REQUESTS, method=method, route=route, status=str(status))
        self.telemetry.observe(semconv.HTTP_REQUEST_DURATION, seconds, method=method, route=route)
        if route != _template(scope):
            self._paths.add(route)
        line = self.telemetry.log.bind(method=method, route=route, status=status, duration_ms=round(seconds * 1000, 2))
        (line.warning if status >= 500 else line.info)("request answered")

    def route(self, scope: Scope) -> str:
        """The route's template, one of a few; a path nobody serves is a label only where the knob says so."""
        return str(scope["path"]) if self._route.value == "path" else _template(scope)

    def _forget_paths(self, _: str) -> None:
        """Series of paths live as long as the process, unless somebody ends them."""
        paths, self._paths = self._paths, set()
        for metric in (semconv.HTTP_REQUESTS, semconv.HTTP_REQUEST_DURATION):
            self.telemetry.metrics.forget(metric, lambda labels: labels["route"] in paths)


def _template(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unmatched")


class LastResort:
    """Turns what nobody caught into a 500 problem document; the stack goes to the log and the span, not the client."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self.app, self.telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noted_send)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            self.telemetry.fail(self.telemetry.current_span(), error)
            problem = Problem(500, "internal-error", "Internal error", "The request failed; its id finds the cause.")
            await problem.response()(scope, receive, send)


class BodyLimit:
    """Refuses a body of more than ``max_bytes``: at once where its length is announced, else when it has grown so far.

    FastAPI's own ``max_body_size`` answers in plain text and outside of every layer here, so without a request id.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes
        self.detail = f"At most {max_bytes} bytes are read."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if announced.isdecimal() and int(announced) > self.max_bytes:
            problem = Problem(413, "the-body-is-too-large", "The body is too large", self.detail)
            await problem.response()(scope, receive, send)
            return
        await self.app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        read = 0

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.max_bytes:
                raise HTTPException(413, self.detail)  # whoever reads the body lets this one through
            return message

        return receive_counted


class TraceparentCheck:
    """Refuses a malformed ``traceparent`` at the edge, where the caller can still be told.

    W3C lets a service start a new trace instead, and every inner service does; a person who practises with hand-made
    headers is better served by an answer.
    """

    _FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).getlist("traceparent") if scope["type"] == "http" else []
        if not given or (len(given) == 1 and self.well_formed(given[0])):
            await self.app(scope, receive, send)
            return
        detail = "traceparent must be version-traceid-parentid-flags in lower-case hex (W3C Trace Context), once."
        problem = Problem(400, "bad-traceparent", "The traceparent header is malformed", detail)
        await problem.response()(scope, receive, send)

    def well_formed(self, value: str) -> bool:
        """Whether ``value`` follows W3C Trace Context; only versions after 00 may carry more fields."""
        value = value.strip()
        return bool(self._FORM.fullmatch(value)) and (not value.startswith("00") or len(value) == 55)
