"""The traffic is open-loop: what the system is slow at, the numbers show."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from lab.traffic.__main__ import _report_each_minute
from lab.traffic.bodies import CONTENT_TYPE, Bodies
from lab.traffic.generator import Generator, Plan, arrivals
from lab.traffic.tally import Tally, json_fields, percentile, report_lines, summarise
from lab.traffic.wire import Wire

ANSWER = b'{"degraded": true, "trace_id": "ab"}'


@asynccontextmanager
async def gateway(delay_s: float, status: str = "200 OK", at_once: int = 100) -> AsyncIterator[str]:
    """A server that works ``delay_s`` on each request, ``at_once`` of them at a time."""
    workers = asyncio.Semaphore(at_once)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(int(line.split(b":")[1]) for line in head.lower().splitlines() if b"content-length" in line)
            await reader.readexactly(length)
            async with workers:
                await asyncio.sleep(delay_s)
            writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(ANSWER)}\r\n\r\n".encode() + ANSWER)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def run(plan: Plan, delay_s: float, status: str = "200 OK", at_once: int = 100) -> Tally:
    async def drive() -> Tally:
        async with gateway(delay_s, status, at_once) as url:
            generator = Generator(
                Plan(url, "key", plan.rate, plan.seed, plan.duration_s, plan.count, plan.in_flight), bodies
            )
            await generator.run()
            return generator.tally

    bodies = Bodies(seed=1, pool=2)
    bodies.fill()
    return uvloop.run(drive())


def test_a_queue_shows_in_the_latency_though_each_answer_is_quick() -> None:
    """Ten requests due at once on a server that takes 20 ms for one: a closed loop would report 20 ms for each."""
    tally = run(Plan("", "", rate=1000, count=10), delay_s=0.02, at_once=1)

    assert len(tally.latencies_ms) == 10
    assert max(tally.latencies_ms) > 150


def test_what_is_due_beyond_the_bound_is_counted_not_sent() -> None:
    tally = run(Plan("", "", rate=1000, count=10, in_flight=3), delay_s=0.3)

    assert (tally.due, tally.not_sent, len(tally.latencies_ms)) == (10, 7, 3)


def test_failures_are_counted_by_status_and_have_no_latency() -> None:
    tally = run(Plan("", "", rate=1000, count=4), delay_s=0, status="503 Service Unavailable")

    assert tally.failed == {"503": 4}
    assert not tally.latencies_ms


def test_a_gateway_that_is_away_is_an_error_by_name() -> None:
    bodies = Bodies(seed=1, pool=1)
    generator = Generator(Plan("http://127.0.0.1:9", "key", rate=1000, count=2), bodies)
    uvloop.run(generator.run())

    assert generator.tally.failed == {"ConnectionRefusedError": 2}


def test_a_server_that_hangs_up_is_an_error_by_name() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def drive() -> Tally:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            generator = Generator(Plan(url, "key", rate=100, count=2), bodies)
            await generator.run()
            return generator.tally

    bodies = Bodies(seed=1, pool=1)
    assert uvloop.run(drive()).failed == {"ConnectionResetError": 2}


def test_the_last_line_is_of_the_time_since_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    class Told:
        def swap(self) -> Tally:
            return Tally(due=3)

        def numbers(self) -> dict[str, object]:
            return {"events": {"sent": 3}}

    async def stopped_at_once() -> None:
        told: Any = Told()
        reporting = asyncio.ensure_future(_report_each_minute(told, told))
        await asyncio.sleep(0)
        reporting.cancel()
        await asyncio.wait([reporting])

    uvloop.run(stopped_at_once())
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["due"], line["events"]) == ("stopped", 3, {"sent": 3})
    assert line["seconds"] < 10


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    async def drive() -> int:
        async with gateway(delay_s=0.5) as url:
            wire = Wire(url, {}, timeout_s=0.05)
            with pytest.raises(TimeoutError):
                await wire.post("/", {}, b"")
            wire = Wire(url, {}, timeout_s=5)
            status, body = await wire.post("/", {}, b"x")
            assert body == ANSWER
            return status

    assert uvloop.run(drive()) == 200


def test_arrivals_are_poisson_seeded_and_endless() -> None:
    times = list(itertools.islice(arrivals(10, seed=3), 5000))
    gaps = [after - before for before, after in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))

    assert times == list(itertools.islice(arrivals(10, seed=3), 5000))
    assert mean == pytest.approx(0.1, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)  # an exponential's deviation is its mean


def test_a_body_is_a_form_with_a_real_photo() -> None:
    request = Bodies(seed=1, pool=1).draw()

    assert request.headers["content-type"] == CONTENT_TYPE
    assert b'name="user_id"\r\n\r\nU' in request.body
    assert b'name="listing_id"\r\n\r\nL' in request.body
    assert b"Content-Type: image/jpeg\r\n\r\n\xff\xd8" in request.body


def test_the_same_seed_draws_the_same_requests() -> None:
    first, second = (Bodies(seed=5, pool=3) for _ in range(2))

    assert [first.draw() for _ in range(5)] == [second.draw() for _ in range(5)]


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.9, 90), (0.99, 99), (0.999, 100), (1.0, 100)])
def test_percentiles_are_nearest_rank(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(1, 101)], share) == value


def test_errors_and_what_was_not_sent_count_against_the_objective() -> None:
    tally = Tally(due=5, not_sent=1)
    for latency in (50.0, 100.0, 100.1):
        tally.answered(latency, degraded=False, trace_id=f"{latency}")
    tally.failed["503"] += 1

    summary = summarise(tally, seconds=2)

    assert summary.under_objective == 2 / 5
    assert summary.answered_per_s == 1.5
    assert summary.slowest[0] == (100.1, "100.1")
    assert any("1× 503" in line for line in report_lines(summary))


def test_nothing_answered_is_told_without_numbers() -> None:
    summary = summarise(Tally(), seconds=0)

    assert math.isnan(summary.p99_ms)
    assert json_fields(summary)["p99_ms"] is None
    assert report_lines(summary)
