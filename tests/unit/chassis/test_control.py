"""The control port, over real sockets: who may, what it says, and that no garbage brings it down."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from chassis.control import ControlServer
from chassis.ports import MAX_BODY_BYTES, Route, json_answer
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from tests.unit.servers import free_port
from tests.unit.waiting import eventually

TOKEN = "a-long-token"
# A process with a control port, whose main thread may ignore SIGTERM as a blocked event loop does.
DEAF = f"""
import signal, sys, time
from chassis import control
from chassis.settings import Settings
from chassis.telemetry import Telemetry
control.DRAINED_S = 0.5
if sys.argv[1] == "True":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = control.ControlServer(Telemetry("gateway", Settings(telemetry=False)), "127.0.0.1", 0, token={TOKEN!r})
server.start()
print(server.port, flush=True)
time.sleep(60)
"""
# A whole service, on ports of its own choice; it says when it serves.
SERVICE = """
import sys
from contextlib import asynccontextmanager
from fastapi import APIRouter
from chassis.service import build_app, serve
from chassis.settings import Settings
from chassis.telemetry import Telemetry

@asynccontextmanager
async def lifespan(app):
    print("up", flush=True)
    yield

telemetry = Telemetry("gateway", Settings(telemetry=False))
app = build_app(telemetry, APIRouter(), lifespan, title="x")
serve(app, telemetry, port=int(sys.argv[1]), metrics_port=int(sys.argv[2]), control_port=int(sys.argv[3]))
"""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def server(telemetry: Telemetry) -> Iterator[ControlServer]:
    server = ControlServer(telemetry, "127.0.0.1", 0, token=TOKEN)
    server.routes.append(Route("POST", "/v1/echo", lambda request: json_answer({"bytes": len(request.body)})))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: ControlServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=headers) as client:
        yield client


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
@pytest.mark.parametrize("path", ["/v1/knobs", "/v1/status", "/nothing"])
def test_without_the_token_there_is_nothing(client: httpx.Client, header: str | None, path: str) -> None:
    client.headers.pop("Authorization")
    answer = client.get(path, headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Unauthorized"


def test_knobs_are_listed_set_and_read_back(client: httpx.Client, telemetry: Telemetry) -> None:
    assert "clock.offset" in {knob["name"] for knob in client.get("/v1/knobs").json()["knobs"]}
    answer = client.put("/v1/knobs/clock.offset", json={"value": 3})
    assert (answer.status_code, answer.json()["value"]) == (200, 3.0)
    assert telemetry.clock.offset_s == 3.0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"3",
        b"{}",
        b'{"value": "x"}',
        b'{"value": 1e999}',
        b'{"value": null}',
        b"\xff\xfe",
        b'{"value": 99999}',
        b'{"value": 1, "more": 2}',
        b'{"value": {"value": 1}}',
    ],
)
def test_nonsense_is_a_400_and_changes_nothing(client: httpx.Client, telemetry: Telemetry, body: bytes) -> None:
    answer = client.put("/v1/knobs/clock.offset", content=body)
    assert answer.status_code == 400
    assert {"type", "title", "status", "detail"} == set(answer.json())
    assert telemetry.clock.offset_s == 0.0


def test_unknown_knobs_paths_and_methods(client: httpx.Client) -> None:
    assert client.put("/v1/knobs/no.such", json={"value": 1}).status_code == 404
    assert client.get("/v2/knobs").status_code == 404
    answer = client.delete("/v1/knobs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert client.request("BREW", "/v1/knobs").status_code == 400


@examples(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=JSON | st.fixed_dictionaries({"value": JSON}))
def test_whatever_is_set_is_answered_below_500(client: httpx.Client, telemetry: Telemetry, body: object) -> None:
    for knob in ("clock.offset", "spans.queue", "no.such"):
        answer = client.put(f"/v1/knobs/{knob}", content=json.dumps(body).encode())
        assert answer.status_code < 500, (knob, body, answer.text)
    telemetry.knobs.reset()


def test_bodies_are_bounded(client: httpx.Client) -> None:
    assert client.post("/v1/echo", content=b"x" * MAX_BODY_BYTES).json() == {"bytes": MAX_BODY_BYTES}
    assert client.post("/v1/echo", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    assert client.post("/v1/echo", content=iter([b"chunk"])).status_code == 411


def test_status_tells_who_answers(client: httpx.Client, telemetry: Telemetry) -> None:
    status = client.get("/v1/status").json()
    assert status["service"] == "service_under_test"
    assert status["instance"] == telemetry.instance
    assert status["pid"] > 0


@pytest.mark.parametrize(("length", "status"), [("9" * 5_000, 413), ("\xb2", 411), ("-1", 411), ("0x10", 411)])
def test_a_length_that_is_none_is_refused(server: ControlServer, length: str, status: int) -> None:
    """A superscript two is a digit to Python, and no number; so many nines are one that it refuses to read."""
    head = f"POST /v1/echo HTTP/1.1\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = connection.recv(65_536)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer


def test_a_mistake_of_our_own_is_a_500_and_told(
    server: ControlServer, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.routes.append(Route("GET", "/v1/broken", lambda request: json_answer(1 // len(request.body))))
    answer = client.get("/v1/broken")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal error")
    assert "division" not in answer.text
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert client.get("/v1/status").status_code == 200, "the port lives on"


@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(garbage=st.binary(max_size=200) | st.text(max_size=80).map(lambda path: f"GET /{path} HTTP/1.1\r\n".encode()))
def test_garbage_never_gets_a_5xx(server: ControlServer, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(garbage + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5", b"HTTP/2.0 5")), answer


def test_it_answers_while_the_event_loop_is_blocked(client: httpx.Client) -> None:
    began, release = threading.Event(), threading.Event()

    async def block() -> None:
        began.set()
        release.wait(5)  # a blocked loop is what this test is about

    loop = threading.Thread(target=lambda: asyncio.run(block()))
    loop.start()
    assert began.wait(5)
    assert client.get("/v1/status").status_code == 200
    release.set()
    loop.join(5)


def test_a_timer_runs_on_its_own_thread(server: ControlServer) -> None:
    ran: list[float] = []
    server.call_later(0.01, lambda: ran.append(time.monotonic()))
    never = server.call_later(60, lambda: ran.append(0))
    never.cancel()
    eventually(lambda: len(ran) == 1, "the timer runs")


def test_the_token_comes_from_its_file(settings: Settings) -> None:
    telemetry = Telemetry("service_under_test", settings)
    with pytest.raises(FileNotFoundError, match="control_token"):
        ControlServer(telemetry, "127.0.0.1", 0)
    (settings.secrets_dir / "control_token").write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        ControlServer(telemetry, "127.0.0.1", 0)
    (settings.secrets_dir / "control_token").write_text("from-file\n")
    server = ControlServer(telemetry, "127.0.0.1", 0)
    server.start()
    answer = httpx.get(f"http://127.0.0.1:{server.port}/v1/status", headers={"authorization": "bearer from-file"})
    server.stop()
    assert answer.status_code == 200


def test_a_process_ends_when_it_is_told_to_though_its_loop_hears_nothing() -> None:
    """In a process of its own: once with SIGTERM's default, once with a main thread that ignores it."""
    for ignoring, expected in ((False, -signal.SIGTERM), (True, 128 + signal.SIGTERM)):
        with subprocess.Popen(
            [sys.executable, "-c", DEAF, str(ignoring)], stdout=subprocess.PIPE, text=True, env={"PATH": ""}
        ) as process:
            assert process.stdout is not None
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}/v1/restart"
            answer = httpx.post(url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
            assert answer.json() == {"pid": process.pid}
            assert process.wait(10) == expected


@pytest.mark.parametrize("switch", ["true", "false"])
def test_switched_off_the_port_is_closed(settings: Settings, switch: str) -> None:
    (settings.secrets_dir / "control_token").write_text(TOKEN)
    ports = [free_port() for _ in range(3)]
    environment = {"FAULTLINE_CONTROL": switch, "FAULTLINE_SECRETS_DIR": str(settings.secrets_dir), "PATH": ""}
    command = [sys.executable, "-c", SERVICE, *map(str, ports)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert "up\n" in process.stdout
            with socket.socket() as probe:
                open_ = probe.connect_ex(("127.0.0.1", ports[2])) == 0
            assert open_ is (switch == "true")
        finally:
            process.terminate()
