"""What FastAPI, httpx and redis say through a service's own provider, over real sockets."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import redis.asyncio
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from chassis import semconv
from chassis.instrument import _operation
from chassis.telemetry import Telemetry
from tests.unit.servers import free_port, running
from tests.unit.signals import Signals, parent_id, span_id, trace_id
from tests.unit.waiting import eventually


def app(telemetry: Telemetry) -> FastAPI:
    app = FastAPI(telemetry=telemetry.fastapi_config())

    @app.get("/v1/features/{kind}")
    async def features(kind: str) -> dict[str, str]:
        with telemetry.span("feature_lookup"):
            return {"trace_id": telemetry.trace_id(), "session": telemetry.get_baggage("session.id")}

    @app.get("/healthz")
    async def healthz() -> str:
        return "ok"

    return app


@asynccontextmanager
async def calling(telemetry: Telemetry) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app(telemetry)) as url, httpx.AsyncClient(base_url=url) as client:
        telemetry.instrument_httpx(client, peer="feature_store")
        yield client


def of_kind(signals: Signals, kind: SpanKind) -> list[ReadableSpan]:
    return [span for span in signals.spans() if span.kind is kind]


@pytest.mark.anyio
async def test_a_call_is_one_trace_from_caller_to_work(telemetry: Telemetry, signals: Signals) -> None:
    async with calling(telemetry) as client:
        with telemetry.span("fan_out"), telemetry.baggage({"session.id": "s-1"}):
            answer = (await client.get("/v1/features/user")).json()
            assert answer == {"trace_id": telemetry.trace_id(), "session": "s-1"}
    (caller,), (server,) = of_kind(signals, SpanKind.CLIENT), of_kind(signals, SpanKind.SERVER)
    assert parent_id(caller) == span_id(signals.span("fan_out"))
    assert parent_id(server) == span_id(caller)
    assert parent_id(signals.span("feature_lookup")) == span_id(server)
    assert len({trace_id(span) for span in signals.spans()}) == 1
    assert server.name == "GET /v1/features/{kind}"
    stable = {"http.request.method": "GET", "http.response.status_code": 200}
    assert stable.items() <= dict(caller.attributes or {}).items()
    assert (stable | {"http.route": "/v1/features/{kind}"}).items() <= dict(server.attributes or {}).items()
    assert (caller.attributes or {})[semconv.PEER_SERVICE] == "feature_store"


@pytest.mark.anyio
async def test_a_health_check_is_no_trace(telemetry: Telemetry, signals: Signals) -> None:
    async with running(app(telemetry)) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).status_code == 200
    assert signals.spans() == []


@pytest.mark.anyio
@pytest.mark.parametrize("header", ["", "nonsense", "00-0-0-01", "ff-" + "0" * 32 + "-" + "0" * 16 + "-01", "\x01" * 8])
async def test_a_bad_traceparent_begins_a_new_trace(telemetry: Telemetry, signals: Signals, header: str) -> None:
    async with running(app(telemetry)) as url, httpx.AsyncClient(base_url=url) as client:
        raw = [(b"traceparent", header.replace("\x01", "~").encode()), (b"baggage", b"==;;,,%ff")]
        assert (await client.get("/v1/features/user", headers=raw)).status_code == 200
    (server,) = of_kind(signals, SpanKind.SERVER)
    assert parent_id(server) == ""


@pytest.mark.anyio
async def test_a_call_to_nobody_is_an_error_span(telemetry: Telemetry, signals: Signals) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port()}") as client:
        telemetry.instrument_httpx(client, peer="cv_model")
        with pytest.raises(httpx.ConnectError):
            await client.get("/v1/scores")
    (span,) = signals.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})[semconv.PEER_SERVICE] == "cv_model"


@pytest.mark.parametrize(
    ("given", "operation", "size"),
    [("HGET", "HGET", 1), ("HGET HGET HGET", "PIPELINE HGET", 3), ("HGET GET", "PIPELINE", 2), ("redis", "redis", 1)],
)
def test_pipelines_are_named_by_the_conventions(given: str, operation: str, size: int) -> None:
    assert _operation(given) == (operation, size)


@pytest.fixture
def redis_port() -> Iterator[int]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed; make up installs it")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    eventually(lambda: listens(port), "redis answers", within=10)
    yield port
    process.terminate()
    process.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.anyio
async def test_redis_shows_commands_but_neither_keys_nor_values(
    telemetry: Telemetry, signals: Signals, redis_port: int
) -> None:
    async with redis.asyncio.Redis(port=redis_port) as client:
        telemetry.instrument_redis(client)
        with telemetry.span("feature_lookup"):
            await client.hset("user:secret-user", mapping={"secret-field": "secret-value"})
            pipeline = client.pipeline(transaction=False)
            pipeline.hgetall("user:secret-user")
            pipeline.hgetall("listing:secret-listing")
            await pipeline.execute()
            with pytest.raises(redis.exceptions.ResponseError):
                await client.get("user:secret-user")
    lookup = span_id(signals.span("feature_lookup"))
    commands = of_kind(signals, SpanKind.CLIENT)
    assert [span.name for span in commands] == ["HSET", "PIPELINE HGETALL", "GET"]
    assert {parent_id(span) for span in commands} == {lookup}
    attributes = dict(commands[1].attributes or {})
    expected = {
        "db.system.name": "redis",
        "db.operation.name": "PIPELINE HGETALL",
        "db.operation.batch.size": 2,
        "db.query.text": "HGETALL ?\nHGETALL ?",
        "server.port": redis_port,
        semconv.PEER_SERVICE: "redis",
    }
    assert expected.items() <= attributes.items()
    assert commands[2].status.status_code is StatusCode.ERROR
    assert "secret" not in str([(span.name, dict(span.attributes or {})) for span in commands])
