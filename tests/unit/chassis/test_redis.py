"""Redis as services use it, against a real one: its user's own rights, a bounded pool, deadlines, and its absence."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis as PlainRedis
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotThere

from chassis import deadlines
from chassis.redis import PORT, RedisStore, StoreUnavailable
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from lab.stack.ports import is_free
from tests.conftest import ROOT
from tests.unit.signals import Signals, parent_id, span_id

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server on this machine"),
]
PASSWORD = "a-password-of-the-test"


def unused_port() -> int:
    """A free port that settings can express: an offset above the standard one."""
    while not is_free(port := random.randrange(10_000, 30_000)):
        pass
    return port


@pytest.fixture(scope="module")
def port() -> int:
    return unused_port()


@pytest.fixture(scope="module")
def server(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainRedis]:
    """A Redis whose user may read and write ``listing:*`` and nothing else."""
    folder = tmp_path_factory.mktemp("redis")
    rights = ("default off", f"admin on >{PASSWORD} ~* +@all", f"reader on >{PASSWORD} ~listing:* +@all -@dangerous")
    (folder / "users.acl").write_text("".join(f"user {each}\n" for each in rights))
    options = ["--bind", "127.0.0.1", "--dir", str(folder), "--aclfile", str(folder / "users.acl"), "--save", ""]
    process = subprocess.Popen(["redis-server", "--port", str(port), *options], stdout=subprocess.DEVNULL)
    admin = PlainRedis(port=port, username="admin", password=PASSWORD, decode_responses=True)
    try:
        _wait_for(admin)
        yield admin
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(redis: PlainRedis) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            redis.ping()
        except NotThere:
            assert time.monotonic() < until, "Redis answers within 10 s"
        else:
            return


@asynccontextmanager
async def store(port: int, folder: Path, telemetry: Telemetry, slots: int = 16) -> AsyncIterator[RedisStore]:
    (folder / "redis_reader").write_text(PASSWORD)
    settings = Settings(port_offset=port - PORT, secrets_dir=folder, models_dir=ROOT / "models")
    async with RedisStore(settings, "reader", telemetry, slots=slots) as opened:
        yield opened


async def sleep_inside(redis: Redis, seconds: float) -> None:
    """Redis itself is busy with this client's call for that long."""
    await redis.blpop(["listing:nothing"], timeout=seconds)


async def test_what_was_written_is_read_and_the_call_is_a_span_without_its_values(
    server: PlainRedis, port: int, tmp_path: Path, telemetry: Telemetry, signals: Signals
) -> None:
    async with store(port, tmp_path, telemetry) as redis:
        with telemetry.span("feature_lookup"):
            await redis.run(lambda each: each.hset("listing:L000001", mapping={"area_m2": "87.5"}))
            assert await redis.run(lambda each: each.hgetall("listing:L000001")) == {"area_m2": "87.5"}
    calls = [span for span in signals.spans() if span.name != "feature_lookup"]
    assert {(span.attributes or {})["db.system.name"] for span in calls} == {"redis"}
    assert {parent_id(span) for span in calls} == {span_id(signals.span("feature_lookup"))}
    said = "".join(span.to_json() for span in signals.spans())
    assert "87.5" not in said
    assert "L000001" not in said


async def test_the_user_may_touch_its_own_keys_only(
    server: PlainRedis, port: int, tmp_path: Path, telemetry: Telemetry
) -> None:
    server.set("user:U000001", "someone")
    async with store(port, tmp_path, telemetry) as redis:
        with pytest.raises(StoreUnavailable, match="NoPermission"):
            await redis.run(lambda each: each.get("user:U000001"))
        with pytest.raises(StoreUnavailable, match="NoPermission"):
            await redis.run(lambda each: each.flushall())
    assert server.get("user:U000001") == "someone"


async def test_more_callers_than_slots_wait_and_all_are_served(
    server: PlainRedis, port: int, tmp_path: Path, telemetry: Telemetry, signals: Signals
) -> None:
    async with store(port, tmp_path, telemetry, slots=2) as redis:
        answers = await asyncio.gather(*(redis.run(lambda each: each.incr("listing:counter")) for _ in range(50)))
    assert sorted(answers) == list(range(1, 51))
    assert signals.metric("pool_wait_seconds_count", pool="redis") == 50
    assert signals.metric("pool_in_use", pool="redis") == 0


async def test_a_deadline_ends_a_call_that_takes_too_long(
    server: PlainRedis, port: int, tmp_path: Path, telemetry: Telemetry
) -> None:
    async with store(port, tmp_path, telemetry) as redis:
        await redis.run(lambda each: each.get("listing:warm"))
        began = time.monotonic()
        with deadlines.deadline(0.1), pytest.raises(StoreUnavailable):
            await redis.run(lambda each: sleep_inside(each, 3))
        assert time.monotonic() - began < 1
        assert await redis.run(lambda each: each.get("listing:warm")) is None, "the next call is not disturbed"


async def test_without_redis_callers_are_told_so_and_soon_no_longer_try(
    tmp_path: Path, telemetry: Telemetry, signals: Signals
) -> None:
    async with store(unused_port(), tmp_path, telemetry) as redis:
        for _ in range(6):
            with pytest.raises(StoreUnavailable):
                await redis.run(lambda each: each.get("listing:L000001"))
        with pytest.raises(StoreUnavailable, match="circuit breaker is open"):
            await redis.run(lambda each: each.get("listing:L000001"))
    assert signals.metric("circuit_breaker_state", peer="redis") == 2
