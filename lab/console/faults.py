"""``/api/faults``: open practice. Closed while somebody plays, so that nobody reads an answer by accident."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.console.bodies import FaultAsk, read
from lab.console.desk import Desk
from lab.console.problems import Problem
from lab.faults import asking, state
from lab.faults.catalogue import ROWS
from lab.faults.row import Row
from lab.faults.state import State
from lab.place import LabError, Place


async def board(request: Request) -> Response:
    """The catalogue, and what is on."""
    place = _open(request)
    found = await run_in_threadpool(state.states, place)
    return JSONResponse(
        {"faults": [row_as_json(row) for row in ROWS.values()], "on": [on_as_json(row) for row in found]}
    )


async def inject(request: Request) -> Response:
    """Switch a fault on, and answer once it is on everywhere."""
    ask = await read(request, FaultAsk)
    found = await run_in_threadpool(_inject, _open(request), asking.Ask(**ask.model_dump()))
    expected = row_as_json(ROWS[ask.fault])["evidence"]
    return JSONResponse({**on_as_json(found), "expected": expected}, 201)


async def clear(request: Request) -> Response:
    """End one fault, or all."""
    which, place = request.path_params.get("key", ""), _open(request)
    try:
        gone = await run_in_threadpool(asking.clear, place, which)
    except LabError as error:
        raise Problem(404, str(error), error.next_step) from error
    return JSONResponse({"ended": [row.fault for row in gone]})


def row_as_json(row: Row) -> dict[str, Any]:
    """A row of the catalogue; the effects themselves stay out of it."""
    return {
        "id": row.id,
        "place": row.place,
        "places": list(row.places),
        "operation": row.operation,
        "mechanism": row.mechanism,
        "kind": row.kind,
        "also": list(row.also),
        "look_alikes": list(row.look_alikes),
        "silent": row.silent,
        "back": row.back,
        "dialled": row.dialled,
        "shared_out": row.shared_out,
        "segment": row.segment,
        "segments": list(asking.SEGMENTS) if row.segment else [],
        "evidence": [{"says": each.says, "signal": str(each.signal), "bound": each.rule} for each in row.evidence],
    }


def on_as_json(found: State) -> dict[str, Any]:
    """A wanted fault: where it is on, where not yet, and for how long still."""
    wanted = asdict(found.wanted)
    del wanted["parameters"]
    return {**wanted, "on": list(found.on), "waiting": list(found.waiting), "left_s": found.left_s}


def _open(request: Request) -> Place:
    """The place. Raises Closed while somebody plays."""
    desk: Desk = request.app.state.desk
    desk.ensure_open()
    return desk.place


def _inject(place: Place, ask: asking.Ask) -> State:
    if ask.fault not in ROWS:
        raise Problem(404, f"There is no fault {ask.fault!r}.", "GET /api/faults lists them.")
    for reason in asking.reasons_against(ROWS[ask.fault], ask):
        raise Problem(400, reason)
    try:
        made = asking.order(place, ask)
    except LabError as error:
        raise Problem(409, str(error), error.next_step) from error
    try:
        return state.wait_on(place, made.key)
    except LabError as error:
        asking.clear(place, made.key)
        raise Problem(503, str(error), error.next_step) from error
