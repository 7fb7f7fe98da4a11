"""The console's application, composed: every route in one list."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lab.console import drills, faults, gameday, pages, passing, problems, runbooks, watching
from lab.console.desk import Desk
from lab.console.security import Guard, Tokens, reading_is_open
from lab.console.work import Runner, in_a_process
from lab.drills.open import game_day_runs
from lab.place import LabError, Place

_MODES = {"compose": "compose", "kubernetes": "k8s"}


def build_app(
    place: Place,
    tokens: Tokens,
    *,
    environment: Mapping[str, str] = os.environ,
    run: Runner | None = None,
) -> ASGIApp:
    """The whole console of a place. ``run`` makes a drill's moves; each in a process of its own unless given."""
    handlers: Any = {**problems.HANDLERS, HTTPException: pages.answer_http}
    app = Starlette(routes=[*api_routes(), *pages.routes()], exception_handlers=handlers, lifespan=_lifespan)
    app.router.redirect_slashes = False
    app.state.place = place
    app.state.desk = Desk(place, run or in_a_process(place))
    app.state.environment = environment
    app.state.open_reading = reading_is_open(environment)
    return Guard(app, tokens, open_reading=app.state.open_reading)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with passing.open_client() as http:
        app.state.http = http
        try:
            yield
        finally:
            await app.state.desk.close()


def api_routes() -> list[Route]:
    """Every call but the pages, the more special before the more general."""
    get, post, put, delete = ["GET"], ["POST"], ["PUT"], ["DELETE"]
    return [
        Route("/healthz", _healthz, methods=get),
        Route("/api/state", _state, methods=get),
        Route("/api/faults", faults.board, methods=get),
        Route("/api/faults", faults.inject, methods=post),
        Route("/api/faults", faults.clear, methods=delete),
        Route("/api/faults/{key}", faults.clear, methods=delete),
        Route("/api/drills", drills.listed, methods=get),
        Route("/api/drills", drills.start, methods=post),
        Route("/api/drills/choices", drills.choices, methods=get),
        Route("/api/drills/now", drills.now, methods=get),
        Route("/api/drills/now/hint", drills.hint, methods=post),
        Route("/api/drills/now/answer", drills.answer, methods=post),
        Route("/api/drills/now/act", drills.act, methods=post),
        Route("/api/drills/now/give-up", drills.give_up, methods=post),
        Route("/api/drills/{id}", drills.one, methods=get),
        Route("/api/notebook", drills.notebook, methods=get),
        Route("/api/notebook", drills.write_notebook, methods=put),
        Route("/api/gameday", gameday.board, methods=get),
        Route("/api/gameday/answer", gameday.answer, methods=post),
        Route("/api/slo", watching.objectives, methods=get),
        Route("/api/alerts", watching.alerts, methods=get),
        Route("/api/deployments", watching.deployments, methods=get),
        Route("/api/runbooks", runbooks.listed, methods=get),
        Route("/api/runbooks/kinds/{page}", runbooks.kind, methods=get),
        Route("/api/runbooks/{alert}", runbooks.one, methods=get),
        Route("/api/runbooks/{alert}/run", runbooks.whole, methods=post),
        Route("/api/runbooks/{alert}/steps/{number:int}/run", runbooks.step, methods=post),
        *(Route(f"/{backend}/{{path:path}}", passing.pass_on, methods=get) for backend in passing.NAMES),
    ]


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _state(request: Request) -> Response:
    """What every page needs to know."""
    return JSONResponse(await run_in_threadpool(_told, request))


def _told(request: Request) -> dict[str, Any]:
    state, who = request.app.state, request.scope["who"]
    place: Place = state.place
    return {
        "mode": _MODES.get(place.environment, "local"),
        "drill": state.desk.brief(),
        "faults_open": _faults_open(state.desk),
        "grafana": state.environment.get("FAULTLINE_GRAFANA_URL") or None,
        "player": who.name if who else None,
        "reading_needs_token": not state.open_reading,
        "gameday": game_day_runs(place),
        "token_file": place.shown(place.secrets_dir / "lab_token"),
    }


def _faults_open(desk: Desk) -> bool:
    try:
        desk.ensure_open()
    except LabError:
        return False
    return True
