"""What `make verify` says of stacks that are well, and of stacks that are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.place import Hosts, Place
from lab.verify import Stack, alert, checks, panels, verify
from lab.verify import stack as stacks
from services import topology

ROOT = Path(__file__).resolve().parents[3]
TRACE = "5b8efff798038103d269b633813fc60c"
CONFIG = "route: {receiver: lab}\nreceivers: [{name: lab, webhook_configs: [{url: 'http://lab'}]}]\n"


class Backends:
    """A gateway, Tempo, Loki, Prometheus and Alertmanager in one, all well until a test says otherwise."""

    def __init__(self) -> None:
        self.services = list(topology.SERVICES)
        self.exemplars = [TRACE]
        self.empty: Callable[[str], bool] = lambda query: False
        self.rules = checks.alerts(ROOT / "deploy/prometheus/rules")
        self.delivered = 0
        self.delivers = True
        self.config = CONFIG
        self.down: set[str] = set()
        self.answers: list[dict[str, Any]] = []  # of the first predictions; the others are complete

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host in self.down:
            raise httpx.ConnectError("refused", request=request)
        path, asked = request.url.path, request.url.params
        if path == "/metrics":
            return httpx.Response(
                200, text=f'alertmanager_notifications_total{{integration="webhook"}} {self.delivered}\n'
            )
        return httpx.Response(200, json=self._json(request.method, path, asked))

    def _json(self, method: str, path: str, asked: Any) -> Any:
        if path == "/v1/predictions":
            return self.answers.pop(0) if self.answers else {"trace_id": TRACE, "degraded": False}
        if path.startswith("/api/traces/"):
            return self._trace(path.rpartition("/")[2])
        if path == "/api/search":
            return {"traces": [] if self.empty(asked["q"]) else [{"traceID": TRACE}]}
        if path.startswith("/loki/"):
            streams = [{"stream": {"service_name": name}, "values": [["1", "a line"]]} for name in self.services]
            return {"data": {"result": [] if self.empty(asked["query"]) else streams}}
        if path == "/api/v1/query_exemplars":
            found = [{"labels": {"trace_id": each}, "value": "0.05", "timestamp": 1} for each in self.exemplars]
            return {"data": [{"seriesLabels": {}, "exemplars": found}]}
        if path == "/api/v1/query":
            rows = [] if self.empty(asked["query"]) else [{"metric": {}, "value": [1, "1"]}]
            return {"data": {"resultType": "vector", "result": rows}}
        if path == "/api/v1/rules":
            return {"data": {"groups": [{"rules": [{"name": name, "health": "ok"} for name in self.rules]}]}}
        return self._alertmanager(method, path)

    def _alertmanager(self, method: str, path: str) -> Any:
        if path == "/api/v2/status":
            return {"config": {"original": self.config}}
        if method == "POST":
            self.delivered += self.delivers
        return [{"receivers": [{"name": "lab"}]}]

    def _trace(self, trace_id: str) -> dict[str, Any]:
        if trace_id != TRACE:
            return {"batches": []}
        return {"batches": [_batch(number, name) for number, name in enumerate(self.services)]}


def _batch(number: int, service: str) -> dict[str, Any]:
    """One span of a service; the first is the root, and the parent of the others."""
    span = {
        "traceId": TRACE,
        "spanId": f"{number + 1:016x}",
        "parentSpanId": "" if number == 0 else f"{1:016x}",
        "name": "work",
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
    }
    name = {"key": "service.name", "value": {"stringValue": service}}
    return {"resource": {"attributes": [name]}, "scopeSpans": [{"spans": [span]}]}


@pytest.fixture
def backends() -> Backends:
    return Backends()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/api_key_learner").write_text("key")
    names = ("tempo", "loki", "prometheus", "alertmanager")
    return Place(ROOT, tmp_path, hosts=Hosts("{service}", urls={name: f"http://{name}" for name in names}))


@pytest.fixture
def found(place: Place, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, list[str]]]:
    """Runs the verification; answers each check's outcomes, without waiting for what does not come."""
    monkeypatch.setattr(checks, "TRACE_TIMEOUT_S", 0)
    monkeypatch.setattr(alert, "ALERT_TIMEOUT_S", 0)
    monkeypatch.setattr(stacks, "POLL_S", 0)

    def run() -> dict[str, list[str]]:
        with httpx.Client(transport=httpx.MockTransport(backends)) as http:
            findings = list(verify(Stack(place, http)))
        assert all(bool(each.next_step) == (each.outcome == "fail") for each in findings), findings
        return {check: [each.outcome for each in findings if each.check == check] for check in ORDER}

    return run


ORDER = ("trace", "logs", "exemplar", "panels", "rules", "alert")
Found = Callable[[], dict[str, list[str]]]


def test_a_stack_that_is_well_passes_every_check(found: Found) -> None:
    assert found() == {check: ["pass"] for check in ORDER}


DEGRADED = {"trace_id": TRACE, "degraded": True, "missing": ["photo"]}


def test_a_degraded_answer_is_asked_for_again(found: Found, backends: Backends) -> None:
    backends.answers = [DEGRADED, DEGRADED]
    assert found()["trace"] == ["pass"]


def test_answers_that_stay_degraded_fail(found: Found, backends: Backends) -> None:
    backends.answers = [DEGRADED] * 20
    assert found()["trace"] == ["fail"]


def test_a_service_that_is_missing_fails_trace_and_logs_and_nothing_else(found: Found, backends: Backends) -> None:
    backends.services.remove("cv_model")
    assert found() == {**{check: ["pass"] for check in ORDER}, "trace": ["fail"], "logs": ["fail"]}


def test_exemplars_whose_traces_are_gone_fail(found: Found, backends: Backends) -> None:
    backends.exemplars = ["0" * 31 + "1", ""]
    assert found()["exemplar"] == ["fail"]


def test_one_exemplar_that_opens_is_enough(found: Found, backends: Backends) -> None:
    backends.exemplars = ["0" * 31 + "1", TRACE]
    assert found()["exemplar"] == ["pass"]


def test_an_empty_panel_fails_unless_it_says_why_it_may_be(found: Found, backends: Backends) -> None:
    backends.empty = lambda query: "service_ready" in query or "otelcol_receiver" in query
    outcomes = found()["panels"]
    assert "fail" in outcomes
    assert "skip" in outcomes
    assert "pass" not in outcomes


def test_an_alert_that_is_not_loaded_fails(found: Found, backends: Backends) -> None:
    backends.rules = backends.rules[1:]
    assert found()["rules"] == ["fail"]


def test_a_receiver_that_hears_nothing_fails(found: Found, backends: Backends) -> None:
    backends.delivers = False
    assert found()["alert"] == ["fail"]


def test_a_receiver_without_an_integration_is_said_and_no_failure(found: Found, backends: Backends) -> None:
    backends.config = "route: {receiver: lab}\nreceivers: [{name: lab}]\n"
    assert found()["alert"] == ["skip"]


def test_a_backend_that_is_down_fails_its_checks_and_not_the_others(found: Found, backends: Backends) -> None:
    backends.down = {"loki"}
    outcomes = found()
    assert outcomes["logs"] == ["fail"]
    assert outcomes["trace"] == outcomes["rules"] == outcomes["alert"] == ["pass"]


@pytest.mark.parametrize(
    ("text", "count"), [("up", 1), ('x{service_name="$service"}', 5), ('x{model_name="$model"}', 4)]
)
def test_a_variable_is_tried_with_each_of_its_values(text: str, count: int) -> None:
    assert len(set(panels.filled(text))) == count
    assert not any("$" in each for each in panels.filled(text))


def test_every_query_of_the_dashboards_is_asked() -> None:
    folder = ROOT / "deploy/grafana/dashboards"
    targets = sum(
        len(panel.get("targets", []))
        for path in folder.glob("*.json")
        for panel in json.loads(path.read_text())["panels"]
    )
    assert len(panels.queries(folder)) == targets > 60
