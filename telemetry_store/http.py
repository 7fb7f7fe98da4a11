"""What both query APIs share: running a query in a thread with a time limit, and errors as answers."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import duckdb
import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from telemetry_store.errors import QueryError, QueryTimeout
from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.otlp.body import BodyError, read_body
from telemetry_store.settings import Settings
from telemetry_store.storage.database import Database

QUEUED_QUERIES = 32  # more than this wait nowhere: 429
FORM, MOST_FORM_BYTES = "application/x-www-form-urlencoded", 256 * 1024


class Query:
    """What a query function gets: the database, two cursors with a time limit, and the deadline for its own loops."""

    def __init__(
        self, database: Database, cursors: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection], deadline: float
    ) -> None:
        self.database, self._deadline = database, deadline
        self.cursor, self.scanner = cursors

    def check_time(self) -> None:
        """Raises QueryTimeout once the deadline is past; called from loops over many rows."""
        if time.monotonic() > self._deadline:
            raise QueryTimeout("the query ran out of time")


Answer = Callable[[Query, Request], Response]


class QueryRunner:
    """Runs query functions in a few threads of low priority."""

    def __init__(self, database: Database, metrics: OwnMetrics, settings: Settings) -> None:
        self._database, self._metrics, self._seconds = database, metrics, settings.query_seconds
        self._threads = ThreadPoolExecutor(settings.query_threads, "query", _yield_to_others, (settings.niceness * 2,))
        self._waiting = 0

    def endpoint(self, api: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """An ASGI endpoint around `answer`, timed under `api`."""

        async def handle(request: Request) -> Response:
            started = time.monotonic()
            try:
                await _form_into_query(request)
            except BodyError as error:
                return PlainTextResponse(str(error), error.status)
            response = await self._run(answer, request)
            self._metrics.query_seconds.labels(api, str(response.status_code)).observe(time.monotonic() - started)
            return response

        return handle

    async def _run(self, answer: Answer, request: Request) -> Response:
        if self._waiting >= QUEUED_QUERIES:
            return PlainTextResponse("too many queries at once", 429, {"Retry-After": "1"})
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answer, answer, request)
        finally:
            self._waiting -= 1

    def _answer(self, answer: Answer, request: Request) -> Response:
        try:
            with self._database.reading(self._seconds) as cursors:
                return answer(Query(self._database, cursors, time.monotonic() + self._seconds), request)
        except QueryError as error:
            return PlainTextResponse(str(error), 400)
        except QueryTimeout as error:
            return PlainTextResponse(str(error), 504)
        except duckdb.OutOfMemoryException:
            return PlainTextResponse("the query needs more memory than the store has; narrow it", 422)

    def close(self) -> None:
        """Wait for running queries to end; none starts afterwards."""
        self._threads.shutdown(cancel_futures=True)


def _yield_to_others(niceness: int) -> None:
    """Linux alone gives a thread a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


async def _form_into_query(request: Request) -> None:
    """Loki takes its parameters from a form as well, whose body is written as a query string is: append it."""
    if request.method == "POST" and request.headers.get("content-type", "").startswith(FORM):
        body = await read_body(request, MOST_FORM_BYTES)
        request.scope["query_string"] += b"&" + body


def json_answer(content: object, media_type: str = "application/json") -> Response:
    """JSON without the charset that Starlette would add."""
    return Response(orjson.dumps(content), headers={"content-type": media_type})


async def build_info(_request: Request) -> Response:
    """The shape is Tempo's and Loki's; there is no Go here."""
    names = ("version", "revision", "branch", "buildUser", "buildDate", "goVersion")
    return json_answer(dict.fromkeys(names, ""))
