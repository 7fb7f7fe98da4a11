"""A service's client, over a real socket: what arrives at the peer, what is tried again, what the caller is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis import deadlines
from chassis.client import PeerClient, PeerRejected, PeerTimeout, PeerUnavailable
from chassis.context import REQUEST_ID
from chassis.telemetry import Telemetry
from tests.unit.servers import Peer, free_port, running
from tests.unit.signals import Signals, parent_id, span_id, trace_id

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def calling(peer: Peer, telemetry: Telemetry, patience: float = 2.0) -> AsyncIterator[PeerClient]:
    async with running(peer) as url, PeerClient("peer", url, telemetry, timeout=patience) as client:
        yield client


async def ask(client: PeerClient) -> bytes:
    return await client.post("/v1/score", b"{}", "application/json")


async def test_trace_baggage_and_request_id_arrive(telemetry: Telemetry, signals: Signals) -> None:
    peer = Peer()
    REQUEST_ID.set("request-1")
    async with calling(peer, telemetry) as client:
        with telemetry.span("work"), telemetry.baggage({"session.id": "s-1", "experiment": "nlp_model:v2"}):
            assert await ask(client) == b"answer"
    (headers,) = peer.asked
    (call,) = [span for span in signals.spans() if span.name != "work"]
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, trace, span) == ("00", trace_id(signals.span("work")), span_id(call))
    assert int(flags, 16) & 1, "the sampled flag"
    assert sorted(headers["baggage"].split(",")) == ["experiment=nlp_model%3Av2", "session.id=s-1"]
    assert headers["x-request-id"] == "request-1"


async def test_each_try_is_a_client_span_of_its_own(telemetry: Telemetry, signals: Signals) -> None:
    peer = Peer([503, 200])
    async with calling(peer, telemetry) as client:
        with telemetry.span("work"):
            await ask(client)
    tries = [span for span in signals.spans() if span.name != "work"]
    assert [(span.attributes or {})["http.response.status_code"] for span in tries] == [503, 200]
    assert {parent_id(span) for span in tries} == {span_id(signals.span("work"))}
    assert {(span.attributes or {})["peer.service"] for span in tries} == {"peer"}


async def test_the_peer_learns_how_long_the_caller_will_wait(telemetry: Telemetry) -> None:
    peer = Peer([503, 200])
    async with calling(peer, telemetry, patience=1.0) as client:
        with deadlines.deadline(0.5):
            await ask(client)
    first, second = (int(headers[deadlines.HEADER]) for headers in peer.asked)
    assert second <= first <= 500, "the second try has no more time than the first left"


async def test_without_a_deadline_the_peer_is_told_the_clients_own_timeout(telemetry: Telemetry) -> None:
    peer = Peer()
    async with calling(peer, telemetry, patience=1.5) as client:
        await ask(client)
    assert peer.asked[0][deadlines.HEADER] == "1500"


async def test_a_busy_peer_is_asked_once_more(telemetry: Telemetry) -> None:
    peer = Peer([503, 200])
    async with calling(peer, telemetry) as client:
        assert await ask(client) == b"answer"
    assert len(peer.asked) == 2


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_other_failures_of_the_peer_are_not_repeated(telemetry: Telemetry, status: int) -> None:
    peer = Peer([status])
    async with calling(peer, telemetry) as client:
        with pytest.raises(PeerUnavailable, match=f"peer: answered {status}"):
            await ask(client)
    assert len(peer.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 422, 429])
async def test_a_refusal_is_handed_on_with_its_problem_and_says_nothing_against_the_peer(
    telemetry: Telemetry, signals: Signals, status: int
) -> None:
    peer = Peer([status])
    async with calling(peer, telemetry) as client:
        for _ in range(8):  # more often than failures open the breaker
            with pytest.raises(PeerRejected) as refused:
                await ask(client)
    assert refused.value.status == status
    assert refused.value.problem["type"] == "/problems/unknown-listing"
    assert len(peer.asked) == 8
    assert signals.metric("client_requests_total", peer="peer", result="ok") == 8


async def test_a_closed_port_is_tried_twice_and_then_reported(telemetry: Telemetry, signals: Signals) -> None:
    async with PeerClient("peer", f"http://127.0.0.1:{free_port()}", telemetry, timeout=1.0) as client:
        with pytest.raises(PeerUnavailable, match="ConnectError"):
            await ask(client)
    assert signals.metric("client_requests_total", peer="peer", result="failed") == 2


async def test_a_slow_peer_is_given_up_at_the_deadline_and_not_asked_again(
    telemetry: Telemetry, signals: Signals
) -> None:
    peer = Peer([30.0])
    started = asyncio.get_running_loop().time()
    async with calling(peer, telemetry) as client:
        with deadlines.deadline(0.1), pytest.raises(PeerTimeout):
            await ask(client)
        waited = asyncio.get_running_loop().time() - started
    assert waited < 1.5
    assert len(peer.asked) == 1
    assert signals.metric("deadlines_exceeded_total", peer="peer") == 1


async def test_no_call_is_made_when_no_time_is_left(telemetry: Telemetry) -> None:
    peer = Peer()
    async with calling(peer, telemetry) as client:
        with deadlines.deadline(0.0), pytest.raises(PeerTimeout):
            await ask(client)
    assert peer.asked == []


async def test_after_five_failures_the_peer_is_spared(telemetry: Telemetry) -> None:
    peer = Peer([500])
    async with calling(peer, telemetry) as client:
        for _ in range(5):
            with pytest.raises(PeerUnavailable):
                await ask(client)
        with pytest.raises(PeerUnavailable, match="circuit breaker is open"):
            await ask(client)
    assert len(peer.asked) == 5
