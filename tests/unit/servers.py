"""Real servers on real sockets, for a test's length."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[str]:
    """The base URL of ``app``, served by uvicorn on a free port of the loopback."""
    # By its protocol asyncio knows that it is TCP, and does not wait for more to send: 40 ms an answer otherwise.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag alone
                await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Peer:
    """A service that answers from a script, the last entry for ever, and keeps what it was asked.

    An entry is a status, or seconds to wait before a 200 where it is a float.
    """

    script: list[int | float] = field(default_factory=lambda: [200])
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        await request.body()
        self.asked.append(dict(request.headers))
        entry = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(entry, float):
            await asyncio.sleep(entry)
            entry = 200
        await self._answer(entry)(scope, receive, send)

    def _answer(self, status: int) -> Response:
        if status < 400:
            return Response(b"answer", status)
        problem = {"type": "/problems/unknown-listing", "title": "Unknown listing", "detail": "No such listing."}
        return Response(orjson.dumps(problem), status, media_type="application/problem+json")
