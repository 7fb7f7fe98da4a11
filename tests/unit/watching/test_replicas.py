"""Two real feature_store processes beside one Redis: what they count adds up to what one counts alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from redis import Redis

from chassis.redis import PORT
from lab.place import Place
from marketplace.load import load
from marketplace.world import World
from services.topology import SERVICES
from tests.conftest import ROOT
from tests.system.metrics import PAGE_TYPE, MetricsPage
from tests.unit.waiting import eventually

STORE = SERVICES["feature_store"]
HOSTS = ("127.0.0.1", "127.0.0.2")  # one port offset leads to one Redis, so the replicas differ by address
ASKED = 300


class Replica:
    """One ``python -m services feature_store``."""

    def __init__(self, place: Place, host: str, log: Path) -> None:
        environment = {
            **os.environ,
            "FAULTLINE_PORT_OFFSET": str(place.offset),
            "FAULTLINE_SECRETS_DIR": str(place.secrets_dir),
            "FAULTLINE_MODELS_DIR": str(ROOT / "models"),
            "FAULTLINE_BIND_HOST": host,
            "FAULTLINE_TELEMETRY": "false",
        }
        command = [sys.executable, "-m", "services", "feature_store"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=out, stderr=out)
        self.url = f"http://{host}:{STORE.port + place.offset}"
        self.metrics = f"http://{host}:{STORE.metrics_port + place.offset}/metrics"

    def ask(self, http: httpx.Client, listing: str, user: str) -> None:
        http.post(f"{self.url}/v1/features", json={"listing_id": listing, "user_id": user}).raise_for_status()

    def counted(self, http: httpx.Client) -> Counter[tuple[str, str]]:
        """Values by feature and bin."""
        page = MetricsPage.parse("feature_store", http.get(self.metrics, headers={"Accept": PAGE_TYPE}).text)
        return Counter(
            {
                (sample.labels["feature"], sample.labels["bin"]): int(sample.value)
                for sample in page.find("feature_values_total")
            }
        )

    def is_ready(self, http: httpx.Client) -> bool:
        try:
            return http.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10, trust_env=False) as client:
        yield client


@pytest.fixture
def replicas(redis_place: Place, admin: Redis, http: httpx.Client, tmp_path: Path) -> Iterator[list[Replica]]:
    with socket.socket() as probe:
        try:
            probe.bind((HOSTS[1], 0))
        except OSError:
            pytest.skip(f"this machine has no {HOSTS[1]}")
    assert PORT + redis_place.offset == redis_place.port("redis")
    load(admin, World())
    started = [Replica(redis_place, host, tmp_path / f"{host}.log") for host in HOSTS]
    try:
        for each in started:
            eventually(partial(each.is_ready, http), "a replica is ready", within=60)
        yield started
    finally:
        for each in started:
            each.process.terminate()
        for each in started:
            each.process.wait(15)


def rows(counted: Counter[tuple[str, str]]) -> int:
    return sum(count for (feature, _), count in counted.items() if feature == "area_m2")


def test_two_processes_counts_add_up_to_one_s(replicas: list[Replica], http: httpx.Client) -> None:
    one, other = replicas
    asks = [(f"L{1 + number * 7 % 2_000:06d}", f"U{1 + number * 13 % 5_000:06d}") for number in range(ASKED)]
    for listing, user in asks:
        one.ask(http, listing, user)
    eventually(lambda: rows(one.counted(http)) == ASKED, "all that one served is counted", within=10)
    alone = one.counted(http)
    for number, (listing, user) in enumerate(asks):
        replicas[number % 3 == 0].ask(http, listing, user)
    eventually(
        lambda: rows(one.counted(http)) + rows(other.counted(http)) == 2 * ASKED,
        "what both served is counted",
        within=10,
    )
    first, second = one.counted(http), other.counted(http)
    assert rows(second) == ASKED // 3
    assert {each: first[each] - alone[each] + second[each] for each in alone} == dict(alone)
    assert sum(alone.values()) > 10 * ASKED
