"""Moves in a process of their own: what they tell, how they fail, and that they end with whoever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from lab.console.problems import Problem
from lab.console.work import in_a_process
from lab.diagnosis.recording import save_period
from lab.diagnosis.window import Period
from lab.drills.choose import Drill
from lab.drills.session import Session
from lab.place import Place
from tests.conftest import ROOT

pytestmark = pytest.mark.anyio


def backends_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMPO", "LOKI", "PROMETHEUS"):
        monkeypatch.setenv(f"FAULTLINE_{name}_URL", url)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose backends do not answer."""
    backends_at("http://127.0.0.1:1", monkeypatch)
    return Place(ROOT, tmp_path / "run", 49_000)


class Nothing(BaseHTTPRequestHandler):
    """Any of the backends, with nothing in it."""

    def do_GET(self) -> None:
        body = b'{"status": "success", "data": {"resultType": "vector", "result": []}, "traces": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def empty() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_what_a_move_tells_comes_back_and_a_refusal_is_a_problem(
    place: Place, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = in_a_process(place)
    with pytest.raises(Problem, match="No drill is running") as caught:
        await run("hint", {})
    assert caught.value.next_step

    session = Session(place)
    session.begin(Drill(3, 5, ()), "me")
    save_period(session.usual, Period(0, 60))
    with monkeypatch.context() as patch:
        backends_at(empty, patch)
        assert (await in_a_process(place)("hint", {}))["number"] == 1
    with pytest.raises(Problem, match="cannot be reached") as caught:
        await run("give-up", {})
    assert caught.value.status == 502


async def test_a_move_that_fails_as_nobody_foresaw_is_a_500_without_a_stack_trace(place: Place) -> None:
    with pytest.raises(Problem) as caught:
        await in_a_process(place)("dance", {})
    assert caught.value.status == 500
    assert "Traceback" not in str(caught.value.document())


async def test_a_move_ends_with_whoever_waits_for_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def say_nothing(*_: object) -> None:
        asked.set()
        await asyncio.sleep(60)

    before = set(psutil.Process().children())
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        monkeypatch.setenv("FAULTLINE_TEMPO_URL", f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}")
        arguments = {"level": 1, "seed": 1, "count": 1, "player": "me", "patience_s": 0}
        task = asyncio.ensure_future(in_a_process(place)("start", arguments))
        async with asyncio.timeout(60):
            await asked.wait()
        (begun,) = set(psutil.Process().children()) - before
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not begun.is_running()
