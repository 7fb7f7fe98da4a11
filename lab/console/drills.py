"""``/api/drills`` and ``/api/notebook``: blind practice."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.campaign.truth import truth_of
from lab.console.bodies import ONE_OR_MORE_ANSWERS, ActAsk, DrillAsk, Notebook, Nothing, read
from lab.console.desk import Desk, marks_as_json, row_as_json
from lab.console.problems import Problem
from lab.console.security import DEFAULT_PLAYER
from lab.drills import notes
from lab.drills.choices import ACTIONS, MODELS, NOTHING
from lab.drills.choices import choices as names
from lab.drills.choose import any_seed
from lab.faults.catalogue import ROWS
from services import topology

_LEVELS = (
    "loud single faults",
    "silent ones",
    "wrong-looking victims",
    "faults of the telemetry",
    "two at once, or none",
)


async def listed(request: Request) -> Response:
    """History and report card."""
    history = _desk(request).session.history
    rows, report = await run_in_threadpool(lambda: (history.all(), history.report()))
    card = [dict(zip(("kind", "level", "drills", "marks", "seconds"), row, strict=True)) for row in report]
    return JSONResponse({"drills": [row_as_json(row) for row in rows], "report": card})


async def choices(request: Request) -> Response:
    """What an answer and an action may name: always the same."""
    return JSONResponse(await run_in_threadpool(all_choices))


async def start(request: Request) -> Response:
    ask = await read(request, DrillAsk)
    who = request.scope["who"]
    seed = ask.seed if ask.seed is not None else any_seed()
    player = who.name if who else DEFAULT_PLAYER
    desk = _desk(request)
    await desk.start(ask.level, seed, ask.count, player, ask.patience)
    return JSONResponse(await run_in_threadpool(desk.now), 202)


async def now(request: Request) -> Response:
    desk = _desk(request)
    desk.want_opening()
    return JSONResponse(await run_in_threadpool(desk.now))


async def one(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(_desk(request).row, request.path_params["id"]))


async def hint(request: Request) -> Response:
    await read(request, Nothing)
    desk = await _mine(request)
    return JSONResponse(await desk.move("hint", {}))


async def answer(request: Request) -> Response:
    """Grade; the fault stays on, so that the player can act."""
    asked = await read(request, ONE_OR_MORE_ANSWERS)
    desk = await _mine(request, answered=False)
    answers = [
        {"evidence": each.trace_id.lower(), **each.model_dump(exclude={"trace_id"})}
        for each in (asked if isinstance(asked, list) else [asked])
    ]
    told = await desk.move("answer", {"answers": answers})
    return JSONResponse({"marks": marks_as_json(told["marks"]), "solution": told["solution"]})


async def act(request: Request) -> Response:
    """Begin to act; the recovery is watched behind it."""
    ask = await read(request, ActAsk)
    desk = await _mine(request, answered=True)
    targets = (await run_in_threadpool(all_choices))["actions"]
    if ask.act not in targets:
        raise Problem(400, f"There is no action {ask.act!r}.", f"There are {', '.join(targets)}.")
    if targets[ask.act] and ask.target not in targets[ask.act]:
        raise Problem(400, f"{ask.act} needs one of {', '.join(targets[ask.act])}.")
    amount = float(ask.replicas) if ask.act == "scale" else ask.rate
    desk.act({"action": ask.act, "target": ask.target, "amount": amount})
    return JSONResponse(await run_in_threadpool(desk.now), 202)


async def give_up(request: Request) -> Response:
    await read(request, Nothing)
    desk = await _mine(request)
    return JSONResponse(await desk.give_up(await run_in_threadpool(desk.ensure_mine, request.scope["who"])))


async def notebook(request: Request) -> Response:
    return JSONResponse(await run_in_threadpool(_pins, _desk(request)))


async def write_notebook(request: Request) -> Response:
    book = await read(request, Notebook)
    desk = await _mine(request)
    return JSONResponse(await run_in_threadpool(_keep, desk, [pin.model_dump() for pin in book.pins]))


@lru_cache(maxsize=1)
def all_choices() -> dict[str, Any]:
    """Names for the answer's form, from the whole catalogue; targets of each action; what the levels are."""
    targets = {"restart": list(topology.SERVICES), "canary": list(MODELS), "scale": list(topology.SERVICES)}
    return {
        **names(),
        "by_service": _by_service(),
        "actions": {action: targets.get(action, []) for action in ACTIONS},
        "levels": [{"level": number, "title": title} for number, title in enumerate(_LEVELS, 1)],
        "nothing": NOTHING,
    }


def _by_service() -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for truth in (truth_of(row, at) for row in ROWS.values() for at in row.places):
        found.setdefault(truth.services[0], set()).update(truth.operations)
    return {service: sorted(found[service]) for service in sorted(found)}


def _pins(desk: Desk) -> dict[str, Any]:
    current = desk.current()
    pins = notes.read(desk.place, current.id)["pins"] if current else []
    return {"drill": current.id if current else None, "pins": pins}


def _keep(desk: Desk, pins: list[dict[str, Any]]) -> dict[str, Any]:
    current = desk.current()
    if current is None:
        raise Problem(409, "No drill is running.", "Pins belong to a drill.")
    with notes.changed(desk.place, current.id) as note:
        note["pins"] = pins
    return {"drill": current.id, "pins": pins}


async def _mine(request: Request, *, answered: bool | None = None) -> Desk:
    """The desk, where who asks plays the drill that runs, and has answered it or not as the move needs."""
    desk = _desk(request)
    current = await run_in_threadpool(desk.ensure_mine, request.scope["who"])
    if answered is not None and current.answered != answered:
        raise Problem(409, "You have answered already." if current.answered else "Answer first.")
    return desk


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
