"""Promises, alerts, deployments, runbooks, the fault board and the game day, as a page gets them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.faults import state, wanted
from lab.faults.state import State
from lab.gameday.day import Day
from lab.slo.model import Setting, read_objectives
from lab.slo.render import render
from tests.conftest import ROOT
from tests.unit.console.conftest import Console

pytestmark = pytest.mark.anyio

ALERT = {
    "labels": {"alertname": "RedisPoolWait", "severity": "ticket", "service_name": "feature_store"},
    "annotations": {
        "summary": "<b>waits</b>",
        "runbook_url": "http://localhost:8080/runbooks/RedisPoolWait",
        "dashboard_url": "http://localhost:8080/dashboards/service",
        "traces_query": "{ }",
    },
    "status": {"state": "active"},
    "startsAt": "2026-01-02T03:04:05.678Z",
    "endsAt": "2026-01-02T03:09:05.678Z",
}


async def test_every_objective_is_told_with_queries_over_series_that_the_rules_record(console: Console) -> None:
    told = (await console.get("/api/slo")).json()["objectives"]
    assert [each["name"] for each in told] == [each.name for each in read_objectives(ROOT / "deploy/slo.yaml")]
    rules = json.dumps(render(read_objectives(ROOT / "deploy/slo.yaml"), Setting()), default=str)
    rules += json.dumps(render(read_objectives(ROOT / "deploy/slo.yaml"), Setting(fast=True)), default=str)
    for each in told:
        assert each["promise"]
        assert each["guards"]
        series = {query.split("{")[0] for _, query in _queries(each) if query.startswith("slo:")}
        assert all(name in rules for name in series)
        assert bool(series) is not each["marketplace_time"]


def _queries(objective: dict[str, Any]) -> list[tuple[str, str]]:
    named = [(name, objective[name]) for name in ("budget_query", "ratio_query")]
    return named + [(burn["window"], burn["query"]) for burn in objective["burn"]]


async def test_an_alert_comes_with_its_runbooks_page(console: Console) -> None:
    console.backends.answers["/api/v2/alerts"] = [ALERT]
    (told,) = (await console.get("/api/alerts")).json()["alerts"]
    assert (told["name"], told["service"], told["severity"]) == ("RedisPoolWait", "feature_store", "ticket")
    assert told["runbook"] == "/runbooks/RedisPoolWait"
    assert told["starts_at"] == pytest.approx(1767323045.678)
    assert told["summary"] == "<b>waits</b>", "the page shows it as text"
    assert (await console.get(told["runbook"])).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    "name", ["overview", "service", "model-quality", "drift", "request-journey", "telemetry-health"]
)
async def test_an_alerts_dashboard_opens_a_page_where_there_is_no_grafana(console: Console, name: str) -> None:
    assert (ROOT / f"deploy/grafana/dashboards/{name}.json").exists()
    answer = await console.get(f"/dashboards/{name}")
    assert answer.status_code == 307
    assert (await console.get(answer.headers["location"])).status_code == 200


async def test_deployments_are_read_from_the_log(console: Console) -> None:
    line = {"service_name": "orchestrator", "kind": "canary", "model_name": "nlp_model", "share_percent": "20"}
    usual = {"severity_text": "INFO", "scope_name": "x", "version": "0.1.0", "logger": "chassis"}
    streams = [
        {"stream": {**line, **usual}, "values": [["1700000000500000000", "deployment"]]},
        {"stream": line, "values": [["1700000001000000000", "no deployment at all"]]},
    ]
    console.backends.answers["/loki/api/v1/query_range"] = {"data": {"resultType": "streams", "result": streams}}
    (told,) = (await console.get("/api/deployments?since=1700000000")).json()["deployments"]
    assert (told["time"], told["service"], told["kind"], told["version"]) == (
        1700000000.5, "orchestrator", "canary", "0.1.0",
    )  # fmt: skip
    assert told["facts"] == {"model_name": "nlp_model", "share_percent": "20"}
    assert "start=1700000000" in console.backends.asked[-1]


async def test_runbooks_are_listed_shown_and_run(console: Console) -> None:
    listed = (await console.get("/api/runbooks")).json()["runbooks"]
    alert = listed[0]["alert"]
    book = (await console.get(f"/api/runbooks/{alert}")).json()
    assert [section["title"] for section in book["sections"]][:2] == ["Meaning", "Impact"]
    step = next(each for each in book["steps"] if each["language"] == "promql")
    shown = (await console.post(f"/api/runbooks/{alert}/steps/{step['number']}/run", {"labels": {}})).json()
    assert (shown["rows"], shown["error"]) == ([], None)
    whole = (await console.post(f"/api/runbooks/{alert}/run")).json()
    assert len(whole["steps"]) == len(book["steps"])
    bad = await console.post(f"/api/runbooks/{alert}/run", {"labels": {"service_name": 'a"} or up{b="'}})
    assert bad.status_code in (200, 400)


async def test_the_board_shows_the_catalogue_and_what_is_on(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(place: Any, key: str) -> State:
        return State(next(row for row in wanted.read(place) if row.key == key), ("feature_store",), ())

    monkeypatch.setattr(state, "wait_on", at_once)
    board = (await console.get("/api/faults")).json()
    assert len(board["faults"]) >= 48
    assert board["on"] == []

    made = await console.post("/api/faults", {"fault": "redis-far", "intensity": 0.5, "seconds": 30})
    assert made.status_code == 201
    assert made.json()["on"] == ["feature_store"]
    assert made.json()["expected"]
    assert (await console.post("/api/faults", {"fault": "redis-far"})).status_code == 409
    assert [each["fault"] for each in (await console.get("/api/faults")).json()["on"]] == ["redis-far"]
    assert (await console.ask("DELETE", f"/api/faults/{made.json()['key']}")).json() == {"ended": ["redis-far"]}
    assert (await console.ask("DELETE", "/api/faults/redis-far")).status_code == 404
    assert (await console.ask("DELETE", "/api/faults")).json() == {"ended": []}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"fault": "no-such"}, 404, "no-such"),
        ({"fault": "redis-far", "at": "gateway"}, 400, "acts at"),
        ({"fault": "redis-far", "seconds": 1}, 400, "lasts"),
        ({"fault": "redis-far", "intensity": 2}, 400, "Intensity"),
        ({"fault": "redis-far", "instance": "a b"}, 400, "instance"),
        ({"fault": "redis-far", "segment": "everyone"}, 400, "segment"),
    ],
)
async def test_nonsense_is_refused_with_the_reason(
    console: Console, body: dict[str, Any], status: int, said: str
) -> None:
    answer = await console.post("/api/faults", body)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert wanted.read(console.place) == []


async def test_a_fault_that_does_not_come_on_is_taken_back(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "POLL_S", 0.01)
    waited = state.wait_on
    monkeypatch.setattr(state, "wait_on", lambda place, key: waited(place, key, within_s=0.05))
    assert (await console.post("/api/faults", {"fault": "redis-far"})).status_code == 503
    assert wanted.read(console.place) == []


async def test_a_game_day_shows_its_scores_and_closes_the_board(console: Console) -> None:
    assert (await console.get("/api/gameday")).json()["running"] is False
    document = {
        "title": "Friday", "players": ["ann", "bob"], "faults": [{"at": 0, "fault": "corrupt-photo", "for": 600}],
    }  # fmt: skip
    day = Day(console.place)
    day.begin(document)
    with day._lease():
        told = (await console.get("/api/gameday", "anns-token")).json()
        assert (told["running"], told["title"], told["may_answer"]) == (True, "Friday", True)
        assert (await console.get("/api/gameday")).json()["may_answer"] is False
        said = {"kind": "bad input", "service": "cv_model", "operation": "decode_photo"}
        assert (await console.post("/api/gameday/answer", said, "anns-token")).json() == {"noted": True}
        assert (await console.post("/api/gameday/answer", said)).status_code == 403
        slip = {**said, "kind": "bad imput"}
        assert (await console.post("/api/gameday/answer", slip, "anns-token")).status_code == 400
        first = (await console.get("/api/gameday")).json()["players"][0]
        assert first == {"player": "ann", "faults": 1, "marks": 0}, "marks now would tell who is right"
        state_now = (await console.get("/api/state")).json()
        assert (state_now["faults_open"], state_now["gameday"]) == (False, True)
        assert (await console.get("/api/faults")).status_code == 409
        assert (await console.post("/api/drills", {"level": 1})).status_code == 409
    over = (await console.get("/api/gameday")).json()
    assert over["running"] is False
    assert over["players"][0]["marks"] > 50
    assert (await console.post("/api/gameday/answer", said, "anns-token")).status_code == 409
