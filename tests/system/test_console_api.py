"""The console on the live stack: it answers what the backends know, breaks something, and costs next to nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from lab.console.passing import NAMES
from lab.stack import memory_mb, pids
from tests.system.harness import System

MOST_MB = 90
MOST_CPU_S_A_SECOND = 0.02


@pytest.fixture(scope="module")
def console(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.place.url("lab"), timeout=30, trust_env=False) as http:
        yield http


@pytest.fixture
def owner(system: System) -> dict[str, str]:
    """Headers of whoever opened the link that `faultline console` prints."""
    url = system.cli_json("console")["url"]
    assert url.startswith(system.place.url("lab"))
    return {"Authorization": f"Bearer {url.partition('#token=')[2]}"}


def test_a_traced_prediction_is_found_through_the_console_and_every_backend_answers(
    system: System, console: httpx.Client
) -> None:
    trace_id = system.predict()["trace_id"]
    system.trace(trace_id)

    assert console.get(f"/tempo/api/traces/{trace_id}").json()["batches"]
    query = {"query": f'{{service_name=~".+"}} | trace_id="{trace_id}"', "limit": "50"}
    assert console.get("/loki/api/v1/query_range", params=query).json()["data"]["result"]
    assert console.get("/prometheus/api/v1/query", params={"query": "up"}).json()["data"]["result"]
    assert console.get("/alertmanager/api/v2/alerts").status_code == 200
    assert set(NAMES) == {"tempo", "loki", "prometheus", "alertmanager"}
    starts = console.get("/api/deployments", params={"since": time.time() - 3600}).json()["deployments"]
    assert {"gateway", "cv_model"} <= {each["service"] for each in starts if each["kind"] == "start"}


def test_promises_alerts_and_runbooks_speak_of_this_stack(
    system: System, console: httpx.Client, owner: dict[str, str]
) -> None:
    for objective in console.get("/api/slo").json()["objectives"]:
        asked = console.get("/prometheus/api/v1/query", params={"query": objective["budget_query"]})
        assert asked.status_code == 200, objective["name"]
    rules = console.get("/prometheus/api/v1/rules", params={"type": "alert"}).json()["data"]["groups"]
    urls = {rule["annotations"]["runbook_url"] for group in rules for rule in group["rules"]}
    assert all(url.startswith(f"{system.place.url('lab')}/runbooks/") for url in urls)
    for url in urls:
        page, book = console.get(url), console.get(url.replace("/runbooks/", "/api/runbooks/"))
        assert (page.status_code, book.status_code) == (200, 200), url
        assert book.json()["title"] == url.rpartition("/")[2]
    alert = console.get("/api/runbooks").json()["runbooks"][0]["alert"]
    shown = console.post(f"/api/runbooks/{alert}/run", json={"labels": {}}, headers=owner)
    assert shown.json()["steps"], shown.text


def test_a_fault_is_switched_on_and_off_by_whoever_holds_the_token(
    system: System, console: httpx.Client, owner: dict[str, str]
) -> None:
    ask = {"fault": "redis-far", "seconds": 20, "intensity": 0.3}
    assert console.post("/api/faults", json=ask).status_code == 401
    made = console.post("/api/faults", json=ask, headers=owner)
    assert made.status_code == 201, made.text
    assert made.json()["on"] == ["feature_store"]

    assert console.delete(f"/api/faults/{made.json()['key']}", headers=owner).json() == {"ended": ["redis-far"]}
    system.eventually(lambda: not _on(console), "no fault is on", within=15)


def _on(console: httpx.Client) -> list[Any]:
    found: list[Any] = console.get("/api/faults").json()["on"]
    return found


def test_the_console_is_small_and_idle(system: System) -> None:
    process = psutil.Process(pids(system.place)["lab"])
    before, began = process.cpu_times(), time.monotonic()
    system.eventually(lambda: time.monotonic() > began + 3, "three quiet seconds", within=5)
    after = process.cpu_times()
    used = (after.user + after.system - before.user - before.system) / (time.monotonic() - began)

    assert used < MOST_CPU_S_A_SECOND
    assert memory_mb(process.pid) < MOST_MB
