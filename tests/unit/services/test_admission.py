"""Who is let in: a known key, within its owner's rate; and what a refusal says."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from chassis.settings import Settings
from chassis.telemetry import Telemetry
from services.gateway import admission as module
from services.gateway.admission import Admission, Caller, Callers
from tests.unit.signals import Signals


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that stands still unless ``now.at`` is moved."""
    hand = SimpleNamespace(at=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: hand.at))
    return hand


def caller(rate: float = 10.0, burst: float = 3.0, key: str = "key") -> Caller:
    each = Caller("learner", digest(key), rate, burst)
    each.refilled = module.time.monotonic()
    return each


def test_a_burst_passes_and_then_the_rate_holds(now: SimpleNamespace) -> None:
    each = caller(rate=10, burst=3)
    assert [each.take() for _ in range(3)] == [0, 0, 0]
    assert each.take() == pytest.approx(0.1)
    now.at += 0.11
    assert each.take() == 0
    assert each.take() > 0


def test_idle_time_saves_up_no_more_than_the_burst(now: SimpleNamespace) -> None:
    each = caller(rate=10, burst=3)
    now.at += 3_600
    assert sum(each.take() == 0 for _ in range(100)) == 3


@given(gaps=st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_over_any_time_no_more_pass_than_rate_and_burst_allow(gaps: list[float]) -> None:
    clock = SimpleNamespace(at=100.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.at))
        each, passed = caller(rate=10, burst=3), 0
        for gap in gaps:
            clock.at += gap
            passed += each.take() == 0
    assert passed <= 3 + 10 * sum(gaps) + 1e-6


def test_keys_are_read_from_the_secret_and_only_their_hashes_kept(settings: Settings) -> None:
    entries = [
        {"name": name, "key_sha256": digest(f"key of {name}"), "rate_per_s": 5, "burst": 5} for name in ("a", "b")
    ]
    (settings.secrets_dir / "api_keys.json").write_bytes(orjson.dumps(entries))
    callers = Callers.read(settings)
    found = callers.find("key of b")
    assert found is not None
    assert found.name == "b"
    assert callers.find("key of c") is None
    assert callers.find("") is None
    assert callers.find(digest("key of a")) is None, "a hash is no key"


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def client(telemetry: Telemetry, *callers: Caller) -> TestClient:
    return TestClient(Admission(inner, Callers(list(callers)), telemetry))


def test_without_a_known_key_nobody_enters(telemetry: Telemetry, signals: Signals) -> None:
    outside = client(telemetry, caller())
    for headers in ({}, {"x-api-key": ""}, {"x-api-key": "wrong"}, {"x-api-key": "KEY"}):
        answer = outside.post("/v1/predictions", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "/problems/unauthenticated"
    assert signals.metric("requests_rejected_total", reason="api_key") == 4


def test_what_is_no_api_path_needs_no_key(telemetry: Telemetry) -> None:
    assert client(telemetry, caller()).get("/healthz").text == "inside"


def test_too_many_requests_are_told_when_to_come_again(telemetry: Telemetry, signals: Signals) -> None:
    inside = client(telemetry, caller(rate=0.25, burst=2))
    answers = [inside.post("/v1/predictions", headers={"x-api-key": "key"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 4
    assert signals.metric("requests_rejected_total", reason="rate_limit") == 1


def test_one_callers_rate_is_not_another_ones(telemetry: Telemetry) -> None:
    inside = client(telemetry, caller(rate=0.01, burst=1, key="greedy"), caller(rate=0.01, burst=1, key="modest"))
    for _ in range(3):
        inside.post("/v1/predictions", headers={"x-api-key": "greedy"})
    assert inside.post("/v1/predictions", headers={"x-api-key": "modest"}).status_code == 200


def test_both_steps_are_spans_and_hold_no_key(telemetry: Telemetry, signals: Signals) -> None:
    client(telemetry, caller(key="a-secret-key")).post("/v1/predictions", headers={"x-api-key": "a-secret-key"})
    assert [span.name for span in signals.spans()] == ["authenticate", "admission"]
    assert "a-secret-key" not in "".join(span.to_json() for span in signals.spans())
