"""The HTTP client under every service's own client: deadlines passed on, breaker, budgeted retries, one span a try."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from chassis import deadlines, semconv
from chassis.context import REQUEST_ID
from chassis.knobs import Knob
from chassis.middleware import REQUEST_ID_HEADER
from chassis.resilience import BreakerOpen, Resilience, Transient
from chassis.telemetry import Telemetry
from chassis.wire import HttpNetwork, Wire


class PeerError(Exception):
    """A call to another service failed; ``peer`` says which."""

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(f"{peer}: {reason}")
        self.peer, self.reason = peer, reason


class PeerUnavailable(PeerError):
    """No answer could be had: refused, reset, the breaker is open, or the peer answered 5xx."""


class PeerTimeout(PeerError):
    """The deadline passed before the answer came."""


class PeerRejected(PeerError):
    """The peer answered 4xx: the request itself is at fault. ``problem`` is its problem document."""

    def __init__(self, peer: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(peer, f"{status} {problem.get('title', '')}")
        self.status, self.problem = status, problem


class PeerClient:
    """Calls one service. Use as an async context manager; one instance a process and peer."""

    def __init__(
        self, peer: str, base_url: str, telemetry: Telemetry, *, timeout: float, connections: int = 32
    ) -> None:
        self.peer, self.telemetry = peer, telemetry
        self._register_knobs(timeout)
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        transport = _Transport(Wire(peer, telemetry), limits, self._propagate)
        self._http = httpx.AsyncClient(transport=transport, trust_env=False)
        self._base_url, self._urls = httpx.URL(base_url), dict[tuple[object, ...], httpx.URL]()
        telemetry.instrument_httpx(self._http, peer)
        self.resilience = Resilience(peer, telemetry)

    def _register_knobs(self, timeout: float) -> None:
        add, name, peer = self.telemetry.knobs.register, f"client.{self.peer}", self.peer
        self._timeout = add(f"{name}.timeout", timeout, f"Seconds that a call to {peer} may take.", minimum=0.001)
        self._retry_late = add(f"{name}.retry_late", False, f"Whether a call to {peer} that came too late is repeated.")
        self._keepalive = add(f"{name}.keepalive", True, f"Whether connections to {peer} serve more than one call.")
        self._propagate = add(f"{name}.propagate", True, f"Whether calls to {peer} carry the trace they belong to.")
        self._body_limit = add(
            f"{name}.body_limit", 0, f"Bytes of a body that are sent to {peer}; 0: all of them.", minimum=0
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def post(
        self, path: str, content: bytes, content_type: str, params: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a 2xx answer. Raises PeerUnavailable, PeerTimeout or PeerRejected."""
        return await self._call("POST", path, content, {"content-type": content_type}, params)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """The body of a 2xx answer. Raises PeerUnavailable, PeerTimeout or PeerRejected."""
        return await self._call("GET", path, None, {}, params)

    async def _call(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str], params: Mapping[str, str] | None
    ) -> bytes:
        async def attempt(number: int) -> httpx.Response:
            return await self._attempt(method, path, content, headers, params)

        try:
            response = await self.resilience.call(attempt)
        except (BreakerOpen, deadlines.DeadlineExceeded) as error:
            kind = PeerUnavailable if isinstance(error, BreakerOpen) else PeerTimeout
            raise kind(self.peer, str(error)) from error
        if response.status_code >= 400:
            raise PeerRejected(self.peer, response.status_code, _problem(response))
        return response.content

    def _url(self, path: str, params: Mapping[str, str] | None) -> httpx.URL:
        key = (path, *(params or {}).items())
        url = self._urls.get(key)
        if url is None:
            url = self._urls[key] = self._base_url.join(path).copy_merge_params(params or {})
        return url

    async def _attempt(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str], params: Mapping[str, str] | None
    ) -> httpx.Response:
        """One try. Raises Transient for what another try or another moment may cure."""
        timeout = deadlines.within(self._timeout.value)
        headers = {**headers, REQUEST_ID_HEADER: REQUEST_ID.get(), deadlines.HEADER: str(max(1, int(timeout * 1000)))}
        if not self._keepalive.value:
            headers["connection"] = "close"
        if content is not None and self._body_limit.value:
            content = content[: self._body_limit.value]
        # A request of our own, its URL parsed once: the client's own merging took a quarter of a call's CPU time.
        request = httpx.Request(
            method,
            self._url(path, params),
            headers=headers,
            content=content,
            extensions={"timeout": {"pool": timeout, "connect": timeout}},
        )
        try:
            # The wire keeps the deadline, in its reads and writes. Cancelled from out here, httpcore may be about to
            # put a connection back, and then that keeps its place in the pool for ever (seen under load).
            with deadlines.deadline(timeout):
                response = await self._http.send(request)
        except (httpx.TimeoutException, TimeoutError) as error:
            self.telemetry.count(semconv.DEADLINES_EXCEEDED, peer=self.peer)
            timed_out = PeerTimeout(self.peer, f"no answer within {timeout * 1000:.0f} ms")
            timed_out.__cause__ = error
            raise Transient(timed_out, retry=self._retry_late.value) from error
        except httpx.TransportError as error:
            unavailable = PeerUnavailable(self.peer, f"{type(error).__name__}: {error}")
            unavailable.__cause__ = error
            raise Transient(unavailable) from error
        if response.status_code >= 500:
            raise Transient(PeerUnavailable(self.peer, f"answered {response.status_code}"), response.status_code == 503)
        return response


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's transport over a wire; what the instrumentation added to a request's headers, it can leave out."""

    def __init__(self, wire: Wire, limits: httpx.Limits, propagate: Knob[bool]) -> None:
        super().__init__(limits=limits, trust_env=False)
        # httpx offers no parameter for httpcore's network backend.
        self._pool._network_backend = HttpNetwork(wire)
        self._propagate = propagate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._propagate.value:
            request.headers.pop("traceparent", None)
        return await super().handle_async_request(request)


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        document = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        document = None
    return document if isinstance(document, dict) else {"title": response.reason_phrase, "detail": ""}
