"""A real Redis, with the rights its users have in the stack."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotThere

from chassis.redis import PORT, RedisStore
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from lab.place import Place
from lab.stack import secrets
from lab.stack.ports import is_free
from tests.conftest import ROOT

StoreFor = Callable[[str, Telemetry], RedisStore]


@dataclass
class Server:
    """A Redis of a run folder, with the stack's users and configuration."""

    place: Place
    acl: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        command = ["redis-server", str(ROOT / "deploy/redis/redis.conf"), "--bind", "127.0.0.1"]
        command += ["--port", str(self.place.port("redis")), "--dir", str(self.acl.parent), "--aclfile", str(self.acl)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def restart(self) -> None:
        self.stop()
        self.start()
        _wait_for(admin_of(self.place))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A run folder whose Redis runs; its users and keys are the stack's."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on this machine")
    offset = random.randrange(20_000, 40_000)
    while not is_free(PORT + offset):
        offset = random.randrange(20_000, 40_000)
    place = Place(ROOT, tmp_path_factory.mktemp("redis-stack"), offset)
    secrets.ensure_secrets(place)
    server = Server(place, secrets.write_acl(place))
    server.start()
    try:
        _wait_for(admin_of(place))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def redis_place(redis_server: Server) -> Place:
    return redis_server.place


@pytest.fixture
def restart_redis(redis_server: Server) -> Callable[[], None]:
    return redis_server.restart


@pytest.fixture
def admin(redis_place: Place) -> Iterator[Redis]:
    """Everything that is in Redis, emptied before each test."""
    client = admin_of(redis_place)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
async def store_for(redis_place: Place, admin: Redis) -> AsyncIterator[StoreFor]:
    """A service's store: as its own user."""
    settings = Settings(port_offset=redis_place.offset, secrets_dir=redis_place.secrets_dir, telemetry=False)
    opened: list[RedisStore] = []

    def open_store(user: str, telemetry: Telemetry) -> RedisStore:
        opened.append(RedisStore(settings, user, telemetry, name=f"redis{len(opened)}", timeout=5.0, traced=False))
        return opened[-1]

    yield open_store
    for store in opened:
        await store.__aexit__(None, None, None)


def admin_of(place: Place) -> Redis:
    password = (Path(place.secrets_dir) / "redis_lab").read_text().strip()
    return Redis(port=place.port("redis"), username="lab", password=password, decode_responses=True)


def _wait_for(redis: Redis) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            redis.ping()
            return
        except NotThere:
            assert time.monotonic() < until, "Redis answers within 20 s"
            time.sleep(0.05)
