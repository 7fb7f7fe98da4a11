"""``/api/runbooks``: the runbooks, rendered, and their steps run against this stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab import runbooks
from lab.clients.http import open_client
from lab.console.bodies import StepAsk, read
from lab.console.problems import Problem
from lab.place import LabError, Place

_WITHIN_S = 30.0


async def listed(_: Request) -> Response:
    return JSONResponse({"runbooks": await run_in_threadpool(_listed)})


async def one(request: Request) -> Response:
    book = await run_in_threadpool(_load, request.path_params["alert"])
    return JSONResponse(book.as_json())


async def kind(request: Request) -> Response:
    """A page about a kind of fault."""
    page = request.path_params["page"]
    try:
        return JSONResponse(await run_in_threadpool(runbooks.kind_page, page))
    except LabError as error:
        raise Problem(404, str(error), error.next_step) from error


async def step(request: Request) -> Response:
    """What one step shows now."""
    ask = await read(request, StepAsk)
    book = await run_in_threadpool(_load, request.path_params["alert"])
    number = request.path_params["number"]
    if book.step(number) is None:
        raise Problem(404, f"{book.alert} has no step {number}.", f"It has {len(book.steps)}.")
    return JSONResponse(await run_in_threadpool(_run, request.app.state.place, book, number, ask.labels))


async def whole(request: Request) -> Response:
    """Every step, and the row of the decision table that they point to."""
    ask = await read(request, StepAsk)
    book = await run_in_threadpool(_load, request.path_params["alert"])
    return JSONResponse(await run_in_threadpool(_run, request.app.state.place, book, None, ask.labels))


def _listed() -> list[dict[str, Any]]:
    books = [runbooks.load(name) for name in runbooks.names()]
    return [
        {
            "alert": book.alert,
            "title": book.alert,
            "severity": book.front_matter.get("severity", ""),
            "slo": book.front_matter.get("slo"),
        }
        for book in books
    ]


def _load(alert: str) -> runbooks.Runbook:
    if alert not in runbooks.names():
        raise Problem(404, f"There is no runbook {alert[:100]!r}.", "GET /api/runbooks lists them.")
    return runbooks.load(alert)


def _run(place: Place, book: runbooks.Runbook, number: int | None, labels: Mapping[str, str] | None) -> dict[str, Any]:
    with open_client(_WITHIN_S) as http:
        sources = runbooks.Sources.of(place, http)
        given = runbooks.labels_of(sources.prometheus, book.alert) if labels is None else labels
        if number is None:
            return runbooks.run(sources, book, given)
        return runbooks.run_step(sources, book, number, given)
