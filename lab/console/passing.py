"""The backends' query APIs passed on under the console's origin: only reading, only the paths that queries need."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lab.console.problems import Problem
from lab.place import Place

WITHIN_S = 60.0
_CONNECT_S = 3.0
_AT_ONCE = 24
_KEPT = ("content-type", "content-length", "content-encoding")
_NAME = r"(?!\.{1,2}(/|$))[^/?#]+"
_PROMETHEUS = "query|query_range|query_exemplars|series|labels|metadata|rules|alerts|status/buildinfo"
_PATHS = {
    "tempo": re.compile(
        rf"api/(v2/)?traces/[0-9a-fA-F]{{1,32}}|api/search|api/(v2/)?search/tags|api/(v2/)?search/tag/{_NAME}/values"
        r"|api/metrics/query(_range)?|api/echo|api/status/buildinfo|ready"
    ),
    "loki": re.compile(rf"api/v1/(query|query_range|labels|label/{_NAME}/values|series)"),
    "prometheus": re.compile(rf"api/v1/({_PROMETHEUS}|label/{_NAME}/values)"),
    "alertmanager": re.compile(r"api/v2/(alerts|alerts/groups|silences)"),
}
NAMES = tuple(_PATHS)


def open_client() -> httpx.AsyncClient:
    """A client without the environment's proxies; it follows nothing elsewhere."""
    timeout = httpx.Timeout(WITHIN_S, connect=_CONNECT_S)
    limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=8, keepalive_expiry=30)
    return httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False)


def address(place: Place, backend: str, path: str, query: str) -> str:
    """Where a question goes. Raises Problem (404) for a path that is no query."""
    if not _PATHS[backend].fullmatch(path):
        raise Problem(404, f"{backend}/{path[:200]} is not passed on.", "docs/console.md lists what is.")
    # Loki's own paths begin with its name; the others' do not.
    within = f"/loki/{path}" if backend == "loki" else f"/{path}"
    return f"{place.url(backend)}{quote(within, safe='/:')}{f'?{query}' if query else ''}"


async def pass_on(request: Request) -> Response:
    """``GET /BACKEND/PATH``: the backend's answer, as it comes. Raises Problem (502, 503, 504)."""
    backend = request.url.path.split("/")[1]
    state = request.app.state
    url = address(state.place, backend, request.path_params["path"], request.url.query)
    headers = {"accept": request.headers.get("accept", "*/*")[:200], "accept-encoding": "identity"}
    try:
        upstream = await state.http.send(state.http.build_request("GET", url, headers=headers), stream=True)
    except httpx.PoolTimeout as error:
        raise Problem(503, "Too many questions are being asked at once.", "Ask again in a moment.") from error
    except httpx.TimeoutException as error:
        raise Problem(504, f"{backend} did not answer in {WITHIN_S:g} s.", "Narrow the query or its time.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Problem(
            502, f"{backend} does not answer: {type(error).__name__}.", "`faultline status` shows what runs."
        ) from error
    kept = {name: upstream.headers[name] for name in _KEPT if name in upstream.headers}
    return StreamingResponse(_body(upstream), upstream.status_code, kept)


async def _body(upstream: httpx.Response) -> AsyncIterator[bytes]:
    """The body within the time that is left; the connection is given back however this ends."""
    until = time.monotonic() + WITHIN_S
    try:
        async for part in upstream.aiter_raw():
            yield part
            if time.monotonic() > until:
                raise TimeoutError(f"{upstream.url.path} took longer than {WITHIN_S:g} s")
    finally:
        await upstream.aclose()
