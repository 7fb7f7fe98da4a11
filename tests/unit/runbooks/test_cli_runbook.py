"""``faultline runbook`` lists, shows and runs; what it cannot read is said with the next step."""

from __future__ import annotations

import json

import httpx
import pytest
from typer.testing import CliRunner, Result

from lab.cli import build_app
from lab.place import LabError
from lab.runbooks import names
from tests.unit.runbooks.test_run import AT, vector

WAITS = "pool_wait_seconds_sum"


def invoke(*words: str) -> Result:
    return CliRunner().invoke(build_app(), ["runbook", *words])


@pytest.fixture
def firing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Backends where callers of one pool wait and the alert fires; what they were asked."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params["query"]
        asked.append(query)
        if query.startswith("ALERTS"):
            metric = {"alertname": "RedisPoolWait", "service_name": "feature_store"}
            rows = [{"metric": metric, "value": [AT, "1"]}]
            return httpx.Response(200, json={"data": {"resultType": "vector", "result": rows}})
        return vector(0.25) if WAITS in query else vector()

    def client(timeout: float) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer), timeout=timeout)

    monkeypatch.setattr("lab.cli.runbook.open_client", client)
    return asked


def test_it_lists_every_runbook() -> None:
    assert {row["alert"] for row in json.loads(invoke("--json").output)} == set(names())
    assert all(name in invoke().output for name in names())


def test_it_shows_a_runbook_with_its_steps_and_its_table() -> None:
    shown = invoke("RedisPoolWait").output
    for part in ("Meaning", "Mitigation", "1. pool-wait", "Decision table", "queueing"):
        assert part in shown
    assert "no rows" not in shown


def test_it_runs_with_the_firing_alerts_labels_and_marks_the_row(firing: list[str]) -> None:
    shown = invoke("RedisPoolWait", "--run").output
    assert "service_name=feature_store" in shown
    assert "expected any value > 0.008" in shown
    assert "0.25" in shown
    assert "→" in shown
    assert "docs/faults/queueing.md" in shown
    assert any('service_name=~"feature_store"' in query for query in firing)


def test_labels_time_and_window_can_be_given(firing: list[str]) -> None:
    words = ("--run", "--labels", "service_name=orchestrator", "--at", "2023-11-14T22:13:20Z", "--window", "30s")
    ran = json.loads(invoke("RedisPoolWait", *words, "--json").output)
    assert ran["at"] == AT
    assert ran["branch"]["kind"] == "queueing"
    assert not any(query.startswith("ALERTS") for query in firing)
    assert any('service_name=~"orchestrator"' in query and "[30s]" in query for query in firing)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("Nope",), "There is no runbook 'Nope'"),
        (("RedisPoolWait", "--run", "--labels", "x"), "'x' is no label"),
        (("RedisPoolWait", "--run", "--at", "noon"), "'noon' is no time"),
        (("RedisPoolWait", "--run", "--window", "1"), "'1' is no duration"),
    ],
)
def test_what_it_cannot_read_is_said(words: tuple[str, ...], reason: str) -> None:
    result = invoke(*words)
    assert isinstance(result.exception, LabError)
    assert reason in str(result.exception)
    assert result.exception.next_step
