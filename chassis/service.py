"""Building a service's app and running it: the layers, the health routes, the ports, start and end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypedDict

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response

from chassis import problems, runtime, semconv
from chassis.background import keep_running
from chassis.control import ControlServer
from chassis.faults.board import Board
from chassis.faults.routes import routes
from chassis.memory_guard import MemoryGuard
from chassis.middleware import BodyLimit, LastResort, Measure, RequestContext
from chassis.ports import MetricsServer
from chassis.telemetry import Telemetry

MAX_BODY_BYTES = 4_000_000


class FormLimits(TypedDict, total=False):
    """How much of a multipart form is read: fields, files, and bytes of a field that is no file."""

    max_fields: int
    max_files: int
    max_part_size: int


class Watcher(Protocol):
    """Something that runs on a thread of its own beside the service."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def resource(name: str) -> Any:
    """A dependency on what the lifespan kept as ``app.state.NAME``.

    A coroutine, because FastAPI sends every plain function to a thread, which costs more than the look-up.
    """

    async def read(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(read)


def build_app(
    telemetry: Telemetry,
    router: APIRouter,
    lifespan: Lifespan,
    *,
    title: str,
    extra: tuple[Middleware, ...] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
    form_limits: FormLimits | None = None,
) -> FastAPI:
    """The app of one service: its router behind the layers every service has, ready once ``lifespan`` has entered."""
    app = FastAPI(
        title=title,
        version=telemetry.settings.version,
        lifespan=_watched(telemetry, lifespan),
        telemetry=telemetry.fastapi_config(),
        form_limits=form_limits,
        middleware=[
            Middleware(RequestContext, telemetry=telemetry),
            Middleware(Measure, telemetry=telemetry),
            Middleware(LastResort, telemetry=telemetry),
            Middleware(BodyLimit, max_bytes=max_body_bytes),
            *extra,
        ],
    )
    app.state.ready = False
    app.include_router(router)
    app.include_router(_health(app))
    problems.install(app, telemetry)
    return app


def _watched(telemetry: Telemetry, lifespan: Lifespan) -> Lifespan:
    """The service's own lifespan, with the event loop watched and the garbage of start-up set aside."""

    @asynccontextmanager
    async def both(app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(telemetry.loop_exception)
        telemetry.gauge_callback(semconv.READY, lambda: float(app.state.ready))
        async with lifespan(app):
            lag = keep_running(telemetry, runtime.EventLoopLag(telemetry).run, "event loop lag")
            runtime.freeze_garbage()
            app.state.ready = True
            telemetry.log.info("ready")
            telemetry.deployed("start")
            try:
                yield
            finally:
                app.state.ready = False
                lag.cancel()

    return both


def _health(app: FastAPI) -> APIRouter:
    """Liveness and readiness on the service's own port and loop, so that a blocked loop shows."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @router.get("/readyz")
    async def readyz() -> Response:
        return JSONResponse({"ready": app.state.ready}, 200 if app.state.ready else 503)

    return router


def serve(app: FastAPI, telemetry: Telemetry, *, port: int, metrics_port: int, control_port: int) -> None:
    """Runs ``app`` until it is told to end, then drains its requests and flushes its telemetry. Blocks.

    Raises SystemExit(1) where a port is taken.
    """
    settings = telemetry.settings
    telemetry.start()
    telemetry.adopt_loggers()
    runtime.share_interpreter()
    watchers: list[Watcher] = [
        runtime.GcPauses(telemetry),
        MemoryGuard(telemetry),
        MetricsServer(telemetry, settings.bind_host, metrics_port),
    ]
    board = Board(telemetry.knobs)
    if settings.control:
        control = ControlServer(telemetry, settings.bind_host, control_port)
        control.routes += routes(board)
        watchers.append(control)
    for watcher in watchers:
        watcher.start()
    server = uvicorn.Server(_config(app, settings.bind_host, port))
    try:
        server.run()
    finally:
        board.end_all()
        for watcher in reversed(watchers):
            watcher.stop()
        telemetry.shutdown(timeout=3)
    if not server.started:
        sys.exit(1)


def _config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host,
        port,
        log_config=None,
        access_log=False,
        loop="uvloop",
        http="httptools",
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
        server_header=False,
        date_header=False,
    )
