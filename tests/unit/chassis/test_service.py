"""A service on a real socket: its layers, its problem documents, its health, and what it says about each request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.middleware import Middleware

from chassis import deadlines
from chassis.context import REQUEST_ID
from chassis.middleware import TraceparentCheck
from chassis.problems import Problem
from chassis.service import build_app
from chassis.telemetry import Telemetry
from tests.unit.servers import running
from tests.unit.signals import Signals, parent_id, trace_id

pytestmark = pytest.mark.anyio

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{PARENT}-01"
MALFORMED = (
    "nonsense",
    "",
    f"00-{TRACE}-{PARENT}",
    f"00-{TRACE.upper()}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-{PARENT}-01-more",
    f"ff-{TRACE}-{PARENT}-01",
    f"00-{TRACE[:-1]}-{PARENT}-01",
    f"00-{TRACE}-{PARENT}-zz",
)


class Ask(BaseModel):
    listing_id: str = Field(pattern=r"^L[0-9]{6}$")
    description: str = Field(min_length=1, max_length=20)


def routes(telemetry: Telemetry) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/ask/{number}")
    async def ask(number: int, ask: Ask) -> dict[str, object]:
        return {"request_id": REQUEST_ID.get(), "left": deadlines.remaining()}

    @router.get("/v1/refuse")
    async def refuse() -> None:
        with telemetry.span("look up"):
            raise Problem(404, "unknown-listing", "Unknown listing", "There is no such listing.")

    @router.get("/v1/unavailable")
    async def unavailable() -> None:
        raise Problem(503, "unavailable", "Not now", "Ask again.", {"Retry-After": "1"})

    @router.get("/v1/crash")
    async def crash() -> None:
        secret_of_the_house = "s3cret"
        raise ZeroDivisionError(f"{len(secret_of_the_house)} by zero")

    return router


@asynccontextmanager
async def service(
    telemetry: Telemetry, *extra: Middleware, max_body_bytes: int = 1_000
) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = build_app(telemetry, routes(telemetry), lifespan, title="test", extra=extra, max_body_bytes=max_body_bytes)
    async with running(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


def body(description: str = "fine") -> dict[str, str]:
    return {"listing_id": "L000001", "description": description}


def assert_problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = response.json()
    assert {"type", "title", "detail", "request_id"} <= set(document)
    assert document["request_id"] == response.headers["x-request-id"] != ""
    assert "Traceback" not in response.text
    return document


async def test_it_is_alive_and_ready_and_health_leaves_no_trace(telemetry: Telemetry, signals: Signals) -> None:
    async with service(telemetry) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).json() == {"ready": True}
    assert signals.spans() == []
    assert signals.metric("service_ready") == 0, "a service that has ended is not ready"


async def test_the_callers_request_id_goes_the_whole_way(telemetry: Telemetry) -> None:
    async with service(telemetry) as client:
        response = await client.post("/v1/ask/1", json=body(), headers={"x-request-id": "mine-1"})
    assert response.json()["request_id"] == response.headers["x-request-id"] == "mine-1"


@pytest.mark.parametrize("given_id", ["", "a b", "x" * 65, "<script>", "a/b", "é"])
async def test_an_id_that_is_none_is_replaced(telemetry: Telemetry, given_id: str) -> None:
    async with service(telemetry) as client:
        response = await client.post("/v1/ask/1", json=body(), headers={"x-request-id": given_id.encode()})
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert response.headers["x-request-id"] not in ("", given_id)


async def test_the_callers_deadline_holds_inside(telemetry: Telemetry) -> None:
    async with service(telemetry) as client:
        with_one = await client.post("/v1/ask/1", json=body(), headers={deadlines.HEADER: "700"})
        without = await client.post("/v1/ask/1", json=body(), headers={deadlines.HEADER: "soon"})
    assert 0 < with_one.json()["left"] <= 0.7
    assert without.json()["left"] is None


async def test_a_refusal_is_a_problem_document_and_no_warning(telemetry: Telemetry, signals: Signals) -> None:
    async with service(telemetry) as client:
        document = assert_problem(await client.get("/v1/refuse"), 404)
    assert (document["type"], document["title"]) == ("/problems/unknown-listing", "Unknown listing")
    assert {event.level for event in signals.logs()} == {"INFO"}
    assert signals.span("look up").events == (), "an answer is no exception of the span it leaves"


async def test_what_is_not_available_says_when_to_ask_again_and_is_a_warning(
    telemetry: Telemetry, signals: Signals
) -> None:
    async with service(telemetry) as client:
        response = await client.get("/v1/unavailable")
    assert_problem(response, 503)
    assert response.headers["retry-after"] == "1"
    assert not signals.logs("ERROR")
    assert signals.logs("WARNING")


async def test_a_crash_is_a_500_that_tells_nothing_and_a_log_line_that_tells_all(
    telemetry: Telemetry, signals: Signals
) -> None:
    async with service(telemetry) as client:
        response = await client.get("/v1/crash")
        assert (await client.get("/healthz")).status_code == 200, "the service lives on"
    assert_problem(response, 500)
    assert "by zero" not in response.text
    (line,) = signals.logs("ERROR")
    assert "in crash" in line.stack
    assert "s3cret" not in line.stack + line.message, "values of variables are never printed"
    (server,) = [span for span in signals.spans() if "/v1/crash" in span.name]
    assert not server.status.is_ok
    assert [event.name for event in server.events] == ["exception"]
    assert f"{line.span.trace_id:032x}" == trace_id(server)


async def test_wrong_fields_are_named_and_never_echoed(telemetry: Telemetry) -> None:
    async with service(telemetry) as client:
        wrong = {"listing_id": "a-private-thing", "description": ""}
        document = assert_problem(await client.post("/v1/ask/1", json=wrong), 422)
        assert_problem(await client.post("/v1/ask/one", json=body()), 422)
        assert_problem(await client.post("/v1/ask/1", content=b"{", headers={"content-type": "application/json"}), 422)
    assert "listing_id" in str(document["detail"])
    assert "description" in str(document["detail"])
    assert "a-private-thing" not in str(document)


async def test_unknown_paths_and_methods_are_problems_too(telemetry: Telemetry, signals: Signals) -> None:
    async with service(telemetry) as client:
        assert_problem(await client.get("/v1/nothing/L000001"), 404)
        assert_problem(await client.delete("/v1/refuse"), 405)
    assert signals.metric("http_requests_total", method="GET", route="unmatched", status="404") == 1


async def test_methods_of_other_protocols_share_one_series(telemetry: Telemetry, signals: Signals) -> None:
    async with service(telemetry) as client:
        for method in ("PROPFIND", "PURGE", "MKCOL"):
            assert_problem(await client.request(method, "/v1/refuse"), 405)
    assert signals.metric("http_requests_total", method="_OTHER", route="/v1/refuse", status="405") == 3


async def test_series_by_path_end_when_the_label_is_the_route_again(telemetry: Telemetry, signals: Signals) -> None:
    def counted(route: str) -> float:
        return signals.metric("http_requests_total", method="GET", route=route, status="404")

    async with service(telemetry) as client:
        back = telemetry.knobs.lay_over("metrics.route", "path")
        for number in range(3):
            await client.get(f"/v1/nothing/{number}")
        assert [counted(f"/v1/nothing/{number}") for number in range(3)] == [1, 1, 1]
        back()
        await client.get("/v1/nothing/3")
    assert [counted(f"/v1/nothing/{number}") for number in range(4)] == [0, 0, 0, 0]
    assert counted("unmatched") == 1


async def test_a_body_over_the_limit_is_refused(telemetry: Telemetry) -> None:
    async with service(telemetry, max_body_bytes=1_000) as client:
        assert_problem(await client.post("/v1/ask/1", json=body("x" * 2_000)), 413)

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 100

        assert_problem(await client.post("/v1/ask/1", content=chunks()), 413)


async def test_each_request_is_counted_timed_and_logged_once_by_its_route(
    telemetry: Telemetry, signals: Signals
) -> None:
    async with service(telemetry) as client:
        for number in range(3):
            await client.post(f"/v1/ask/{number}", json=body(), headers={"x-request-id": f"r{number}"})
    labels = {"method": "POST", "route": "/v1/ask/{number}"}
    assert signals.metric("http_requests_total", **labels, status="200") == 3
    assert signals.metric("http_request_duration_seconds_count", **labels) == 3
    lines = [event for event in signals.logs() if event.message == "request answered"]
    assert [line.fields["request_id"] for line in lines] == ["r0", "r1", "r2"]
    assert all(line.span.is_valid for line in lines), "the access line stands in the request's trace"


async def test_the_server_span_continues_the_callers_trace(telemetry: Telemetry, signals: Signals) -> None:
    async with service(telemetry, Middleware(TraceparentCheck)) as client:
        await client.post("/v1/ask/1", json=body(), headers={"traceparent": GOOD})
    (server,) = [span for span in signals.spans() if not parent_id(span) or parent_id(span) == PARENT]
    assert (trace_id(server), parent_id(server)) == (TRACE, PARENT)
    assert (server.attributes or {})["http.route"] == "/v1/ask/{number}"


@pytest.mark.parametrize("value", MALFORMED)
async def test_a_malformed_traceparent_is_refused_at_the_edge(telemetry: Telemetry, value: str) -> None:
    async with service(telemetry, Middleware(TraceparentCheck)) as client:
        assert_problem(await client.post("/v1/ask/1", json=body(), headers={"traceparent": value}), 400)


async def test_two_traceparents_are_one_too_many(telemetry: Telemetry) -> None:
    async with service(telemetry, Middleware(TraceparentCheck)) as client:
        twice = [("traceparent", GOOD), ("traceparent", GOOD)]
        assert_problem(await client.post("/v1/ask/1", json=body(), headers=twice), 400)


@given(flags=st.integers(0, 255), trace=st.integers(1, 2**128 - 1), span=st.integers(1, 2**64 - 1))
def test_every_well_formed_traceparent_passes(flags: int, trace: int, span: int) -> None:
    async def nothing(*_: object) -> None: ...

    assert TraceparentCheck(nothing).well_formed(f"00-{trace:032x}-{span:016x}-{flags:02x}")
