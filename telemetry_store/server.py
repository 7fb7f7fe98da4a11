"""Starts the parts in order, serves until a signal, stops them in the reverse order."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator

import uvicorn
import uvloop
from prometheus_client import disable_created_metrics
from starlette.applications import Starlette

from telemetry_store.bounds import RECURSION
from telemetry_store.parts import Parts
from telemetry_store.settings import Settings

log = logging.getLogger(__name__)

GRACE_SECONDS = 2


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process, which runs two of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Starlette, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_config=None,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=75,
        )
    )


async def _serve(settings: Settings, parts: Parts) -> None:
    otlp = _server(parts.receiver.app(), settings.host, settings.otlp_port)
    queries = _server(parts.query_app(), settings.host, settings.http_port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = [asyncio.create_task(server.serve()) for server in (otlp, queries)]
    log.info("serving OTLP on %s and queries on %s", settings.otlp_port, settings.http_port)
    await asyncio.wait([*serving, stopping := asyncio.create_task(stop.wait())], return_when="FIRST_COMPLETED")
    log.info("stopping")
    parts.receiver.closing = True
    for server in (otlp, queries):
        server.should_exit = True
    stopping.cancel()
    await asyncio.gather(*serving)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then write what was accepted and close the file."""
    os.nice(settings.niceness)
    sys.setrecursionlimit(RECURSION)
    disable_created_metrics()
    parts = Parts.open(settings)
    parts.start()
    try:
        uvloop.run(_serve(settings, parts))
    finally:
        parts.stop()
    log.info("stopped")
