"""Moves in a process of their own: what they tell, how they fail, and that they end with whoever waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from lab.console.problems import Problem
from lab.console.work import in_a_process
from lab.drills.choose import Drill
from lab.drills.session import Session
from lab.place import Place
from tests.conftest import ROOT

pytestmark = pytest.mark.anyio


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose backends do not answer."""
    for name in ("TEMPO", "LOKI", "PROMETHEUS"):
        monkeypatch.setenv(f"FAULTLINE_{name}_URL", "http://127.0.0.1:1")
    return Place(ROOT, tmp_path / "run", 49_000)


async def test_what_a_move_tells_comes_back_and_a_refusal_is_a_problem(place: Place) -> None:
    run = in_a_process(place)
    with pytest.raises(Problem, match="No drill is running") as caught:
        await run("hint", {})
    assert caught.value.next_step

    Session(place).begin(Drill(3, 5, ()), "me")
    assert (await run("hint", {}))["number"] == 1
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
