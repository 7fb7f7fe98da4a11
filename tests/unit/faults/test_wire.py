"""The network between a client and its peer, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from chassis.client import PeerClient, PeerTimeout, PeerUnavailable
from chassis.telemetry import Telemetry

pytestmark = pytest.mark.anyio
BODY = b'{"answer": "' + b"x" * 40_000 + b'"}'


@asynccontextmanager
async def peer(telemetry: Telemetry) -> AsyncIterator[PeerClient]:
    """A client of a small HTTP server that answers everything with BODY."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, PeerClient("peer", f"http://127.0.0.1:{port}", telemetry, timeout=2.0) as client:
        yield client


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await _request(reader):
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(BODY)}\r\n\r\n".encode() + BODY)
        await writer.drain()
    writer.close()


async def _request(reader: asyncio.StreamReader) -> bool:
    try:
        await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return True


def counted(telemetry: Telemetry, metric: str) -> float:
    return (
        telemetry.metrics.registry.get_sample_value(metric, {"peer": "peer", "service_name": telemetry.service}) or 0.0
    )


async def test_bytes_and_connections_are_counted(telemetry: Telemetry) -> None:
    async with peer(telemetry) as client:
        assert await client.get("/") == BODY
        assert await client.get("/") == BODY
    assert counted(telemetry, "client_received_bytes_total") > 2 * len(BODY)
    assert counted(telemetry, "client_connections_opened_total") == 1


async def test_a_far_peer_answers_late_and_whole(telemetry: Telemetry) -> None:
    async with peer(telemetry) as client:
        await client.get("/")
        end = telemetry.knobs.lay_over("wire.peer.delay", 0.15)
        assert await _seconds(lambda: client.get("/")) >= 0.15
        assert await client.get("/") == BODY
        end()
        assert await _seconds(lambda: client.get("/")) < 0.15


async def test_a_share_of_the_requests_may_be_far(telemetry: Telemetry) -> None:
    async with peer(telemetry) as client:
        await client.get("/")
        chosen = False
        telemetry.knobs.lay_over("wire.peer.delay", 0.2, lambda: chosen)
        assert await _seconds(lambda: client.get("/")) < 0.2
        chosen = True
        assert await _seconds(lambda: client.get("/")) >= 0.2


async def test_a_closed_port_refuses_and_opens_again(telemetry: Telemetry) -> None:
    async with peer(telemetry) as client:
        await client.get("/")
        end = telemetry.knobs.lay_over("wire.peer.open", False)
        with pytest.raises(PeerUnavailable, match="Connect") as caught:
            await client.get("/")
        assert isinstance(_root(caught.value), ConnectionRefusedError), "the kernel's own refusal"
        end()
        assert await client.get("/") == BODY


async def test_connections_are_reset_half_way(telemetry: Telemetry) -> None:
    async with peer(telemetry) as client:
        await client.get("/")
        end = telemetry.knobs.lay_over("wire.peer.reset", 1.0)
        with pytest.raises(PeerUnavailable):
            await client.get("/")
        end()
        assert await client.get("/") == BODY


async def test_each_call_may_open_a_connection(telemetry: Telemetry) -> None:
    async with peer(telemetry) as client:
        telemetry.knobs.lay_over("client.peer.keepalive", False)
        for _ in range(3):
            await client.get("/")
    assert counted(telemetry, "client_connections_opened_total") == 3


async def test_late_answers_leave_no_connection_behind(telemetry: Telemetry) -> None:
    """More late answers than the client may have connections, and then one in time."""
    async with peer(telemetry) as client:
        telemetry.knobs.set("client.peer.breaker", 1_000_000)
        end = telemetry.knobs.lay_over("wire.peer.delay", 0.5)
        short = telemetry.knobs.lay_over("client.peer.timeout", 0.02)
        for _ in range(3):
            answers = await asyncio.gather(*(client.get("/") for _ in range(40)), return_exceptions=True)
            assert {type(answer) for answer in answers} == {PeerTimeout}
        end()
        short()
        assert await client.get("/") == BODY


async def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    await call()  # type: ignore[misc]
    return time.perf_counter() - began


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error
