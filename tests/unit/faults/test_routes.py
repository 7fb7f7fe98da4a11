"""``/v1/faults`` on the control port: behind the token, never a 5xx, and working while the event loop is blocked."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.control import ControlServer
from chassis.faults.board import Board
from chassis.faults.routes import routes
from chassis.telemetry import Telemetry

TOKEN = "token-of-a-test"


@pytest.fixture
def board(telemetry: Telemetry) -> Board:
    return Board(telemetry.knobs)


@pytest.fixture
def client(telemetry: Telemetry, board: Board) -> Iterator[httpx.Client]:
    server = ControlServer(telemetry, "127.0.0.1", 0, token=TOKEN)
    server.routes += routes(board)
    server.start()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers, trust_env=False) as http:
        yield http
    board.end_all()
    server.stop()


def skew(seconds: float = 60.0, **more: Any) -> dict[str, Any]:
    return {"key": "k", "kind": "fast_clock", "ends_at": time.time() + seconds, **more}


def test_begin_list_and_end(client: httpx.Client, telemetry: Telemetry) -> None:
    order = skew()
    assert client.post("/v1/faults", json=order).status_code == 201
    assert client.post("/v1/faults", json=order).status_code == 200
    assert telemetry.clock.offset_s == 3.0
    assert [each["key"] for each in client.get("/v1/faults").json()["faults"]] == ["k"]
    assert client.delete("/v1/faults/k").status_code == 200
    assert telemetry.clock.offset_s == 0.0
    assert client.delete("/v1/faults/k").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/faults"), ("POST", "/v1/faults"), ("DELETE", "/v1/faults/k")]
)
def test_without_the_token_everything_is_401(client: httpx.Client, method: str, path: str) -> None:
    assert client.request(method, path, headers={"Authorization": "Bearer wrong"}, json={}).status_code == 401


def test_a_fault_can_be_ended_while_the_event_loop_is_blocked(client: httpx.Client, telemetry: Telemetry) -> None:
    client.post("/v1/faults", json=skew())
    let_go = threading.Event()

    async def block() -> None:
        let_go.wait(10)  # blocks the loop, not this coroutine alone

    loop = threading.Thread(target=lambda: asyncio.run(block()))
    loop.start()
    try:
        assert client.delete("/v1/faults/k").status_code == 200
        assert telemetry.clock.offset_s == 0.0
    finally:
        let_go.set()
        loop.join()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "key": json_values | st.just("k"),
        "kind": json_values | st.sampled_from(["fast_clock", "short_queue", "unrecorded", "bare_lines", "far_peer"]),
        "ends_at": json_values | st.just(time.time() + 30),
        "parameters": json_values
        | st.dictionaries(st.sampled_from(["seconds", "items", "peer"]), json_values, max_size=2),
        "intensity": json_values | st.floats(0, 1),
        "share": json_values,
        "more": json_values,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies)
def test_whatever_is_sent_is_answered_below_500(client: httpx.Client, board: Board, body: dict[str, Any]) -> None:
    answer = client.post("/v1/faults", content=_json(body))
    assert answer.status_code < 500, (body, answer.text)
    board.end_all()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_bytes_that_are_no_json_are_refused(client: httpx.Client, body: bytes) -> None:
    assert client.post("/v1/faults", content=body).status_code in (400, 409)


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode("utf-8", "surrogatepass")
