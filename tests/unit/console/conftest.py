"""A console over scripted backends: everything but the stack itself is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from lab.console.app import build_app
from lab.console.security import Tokens
from lab.console.work import Runner, perform
from lab.drills import opening
from lab.place import BACKENDS, Hosts, Place
from lab.stack.secrets import write_private
from tests.conftest import ROOT
from tests.unit.servers import running

TOKEN = "the-lab's-own"
PLAYERS = {"ann": "anns-token", "bob": "bobs-token"}
# Above every port that a stack of this machine has.
OFFSET = 49_000


@dataclass
class Backends:
    """Tempo, Loki, Prometheus and Alertmanager in one: they know nothing unless told, and keep what they were asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            self.asked.append(f"{request.url.path}?{request.url.query}".rstrip("?"))
            self.headers.append(dict(request.headers))
            await self._answer(request.url.path)(scope, receive, send)

    def _answer(self, path: str) -> Response:
        found = self.answers.get(path)
        if isinstance(found, Response):
            return found
        return JSONResponse(found if found is not None else _nothing(path))


def _nothing(path: str) -> Any:
    if path.startswith("/loki"):
        return {"status": "success", "data": {"resultType": "streams", "result": []}}
    if path == "/api/v1/query_exemplars":
        return {"status": "success", "data": []}
    if path == "/api/v1/alerts":
        return {"status": "success", "data": {"alerts": []}}
    if path.startswith("/api/v1"):
        return {"status": "success", "data": {"resultType": "vector", "result": []}}
    return [] if path.startswith("/api/v2/alerts") else {"traces": []}


@dataclass
class Console:
    """The console as a page or a script sees it."""

    http: httpx.AsyncClient
    place: Place
    backends: Backends

    async def get(self, path: str, token: str = "") -> httpx.Response:
        return await self.http.get(path, headers=_bearer(token))

    async def post(self, path: str, body: Any = None, token: str = TOKEN, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers={**_bearer(token), **headers})

    async def ask(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> httpx.Response:
        return await self.http.request(method, path, json=body, headers=_bearer(token))

    async def eventually(self, state: str) -> dict[str, Any]:
        """What is told of the drill once it is in that state."""
        async with asyncio.timeout(20):
            while True:
                told: dict[str, Any] = (await self.get("/api/drills/now")).json()
                if told["state"] == state:
                    return told
                await asyncio.sleep(0.02)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def in_a_thread(place: Place) -> Runner:
    """Moves as they are made, without the process of their own."""

    async def run(move: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(perform, place, move, arguments)

    return run


@asynccontextmanager
async def standing(folder: Path, backends: Backends, environment: Mapping[str, str]) -> AsyncIterator[Console]:
    """A console of a place of its own, with its secrets, over scripted backends."""
    async with running(backends) as url:
        place = Place(ROOT, folder, OFFSET, hosts=Hosts(urls=dict.fromkeys(BACKENDS, url)))
        place.secrets_dir.mkdir(parents=True)
        write_private(place.secrets_dir / "lab_token", f"{TOKEN}\n")
        write_private(place.secrets_dir / "control_token", "control\n")
        app = build_app(place, Tokens(TOKEN, PLAYERS), environment=environment, run=in_a_thread(place))
        async with running(app) as own, httpx.AsyncClient(base_url=own, timeout=20, trust_env=False) as http:
            yield Console(http, place, backends)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An opening is looked for more often than in life."""
    monkeypatch.setattr(opening, "POLL_S", 0.02)


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    async with standing(tmp_path / "run", Backends(), {}) as made:
        yield made
