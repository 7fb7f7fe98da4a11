"""``/api/gameday``: the scoreboard, and the players' answers."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.console.bodies import GamedayAnswer, read
from lab.console.problems import Problem, problem_of
from lab.console.security import Who
from lab.drills.choices import UnknownName
from lab.drills.grading import Answer
from lab.drills.open import game_day_runs
from lab.gameday.board import scoreboard
from lab.gameday.day import Day
from lab.place import LabError, Place

_NONE: dict[str, Any] = {
    "running": False,
    "title": None,
    "paused": False,
    "at_s": None,
    "seconds": None,
    "players": [],
    "may_answer": False,
    "report": None,
}


async def board(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(_board, request.app.state.place, request.scope["who"]))


async def answer(request: Request) -> Response:
    """A player's answer; the player is the token's."""
    said = await read(request, GamedayAnswer)
    who: Who = request.scope["who"]
    await run_in_threadpool(_answer, request.app.state.place, who.name, Answer(said.service, said.operation, said.kind))
    return JSONResponse({"noted": True})


def _board(place: Place, who: Who | None) -> dict[str, Any]:
    day = Day(place)
    try:
        script = day.script()
    except LabError:
        return _NONE
    running, report = game_day_runs(place), day.folder / "report.md"
    table = scoreboard(script, day.answers(), day.scored_until())
    return {
        "running": running,
        "title": script.title,
        "paused": running and bool(day.clock().paused_at_s),
        "at_s": round(min(_played_s(day, running), script.seconds), 1),
        "seconds": script.seconds,
        "players": [{"player": player, "marks": points, "faults": count} for player, points, count in table],
        "may_answer": running and who is not None and who.name in script.players,
        "report": report.read_text() if not running and report.exists() else None,
    }


def _played_s(day: Day, running: bool) -> float:
    """Seconds of play so far; a day that has ended stays where its report was written."""
    clock, report = day.clock(), day.folder / "report.md"
    if running or not report.exists():
        return clock.now()
    return report.stat().st_mtime - clock.started_s - clock.paused_s


def _answer(place: Place, player: str, said: Answer) -> None:
    if not game_day_runs(place):
        raise Problem(409, "No game day is being played.", "`faultline gameday run FILE.yaml` begins one.")
    try:
        Day(place).answer(player, said)
    except UnknownName as error:
        raise problem_of(error) from error
    except LabError as error:
        raise Problem(403, str(error), error.next_step) from error
