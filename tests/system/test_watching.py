"""Wrong while green: drift pages and resolves, outcomes meet their predictions, a canary's share holds live."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.conventions import budget
from lab.traffic.shifts import write_shifts
from marketplace.world import Shifts
from services import topology
from tests.system.harness import System

RATE = 6.0  # a little over the default, so that 500 rows are there sooner
PSI = "feature:psi:drill"
# What needs two scrapes of it, or traffic that lives: once these answer, every panel should.
FLOWS = (
    "histogram_count(sum(rate(http_server_request_duration_seconds[1m]))) > 0",
    "rate(event_lag_seconds_count[1m]) > 0",
    "rate(outcomes_joined_total[1m]) > 0",
)
DRIFTING = ("session_duration", "items_viewed")


@pytest.fixture(autouse=True)
def canary_as_it_was(system: System) -> Iterator[None]:
    yield
    system.cli("canary", "nlp_model", "20")


def versions(system: System, count: int = 12) -> set[str]:
    return {answer["model_versions"]["nlp_model"] for answer in system.predict_many(count)}


def report(system: System, *outcomes: dict[str, Any]) -> Any:
    return system.post("/v1/outcomes", json={"outcomes": list(outcomes)})


def test_a_canary_s_share_is_turned_live_and_is_a_deployment(system: System) -> None:
    before = system.total("deployments_total", kind="canary")
    for share, expected in (("0", {"v1"}), ("100", {"v2"})):
        assert system.cli("canary", "nlp_model", share).returncode == 0
        assert versions(system) == expected
    assert system.total("deployments_total", kind="canary") == before + 2
    assert system.metrics("orchestrator").value("canary_share_percent", model_name="nlp_model") == 100
    system.eventually(
        lambda: system.logs(service="orchestrator", contains="deployment", within_s=60),
        "the change is in the log", within=20,
    )  # fmt: skip


def test_an_event_changes_what_its_user_is_served(system: System) -> None:
    event = {"user_id": "U000042", "session_duration": 5_000, "items_viewed": 90, "saved": 9}
    before = system.metrics("feature_store").value("events_counted_total", result="counted")
    for _ in range(2):  # the second is a repetition
        answer = system.post("/v1/events", json={"events": [{**event, "event_id": f"test-{os.getpid()}-once"}]})
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1})

    def counted() -> bool:
        page = system.metrics("feature_store")
        return page.value("events_counted_total", result="counted") == before + 1 and page.value("events_waiting") == 0

    system.eventually(counted, "the event is counted once", within=5)


def test_an_outcome_is_joined_once_and_leads_to_its_prediction_s_trace(system: System) -> None:
    answer = system.predict(user="U000007")
    outcome = {"prediction_id": answer["prediction_id"], "converted": True, "sale_price": 190_000}
    results = [report(system, outcome).json()["results"][answer["prediction_id"]] for _ in range(2)]
    assert results == ["joined", "repeated"]
    page = system.metrics("orchestrator")
    examples = [sample.exemplar for sample in page.find("outcomes_joined_total") if sample.exemplar]
    assert answer["trace_id"] in {example.labels["trace_id"] for example in examples}
    assert system.trace(answer["trace_id"])


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ({"prediction_id": f"{int(time.time() * 1000):012x}00000000", "converted": True}, 404),
        ({"prediction_id": "0" * 20, "converted": True}, 410),
        ({"prediction_id": "no id", "converted": True}, 422),
        ({"prediction_id": "0" * 20, "converted": True, "sale_price": -5}, 422),
        ({"prediction_id": "0" * 20}, 422),
    ],
    ids=["unknown", "gone", "malformed", "wild", "cut"],
)
def test_outcomes_that_cannot_be_joined_are_refused(system: System, outcome: dict[str, Any], status: int) -> None:
    assert report(system, outcome).status_code == status


@pytest.fixture(scope="module")
def drifting(system: System) -> Iterator[None]:
    """Default-like traffic whose users suddenly stay longer and look at more; ends with the module."""
    write_shifts(system.place, Shifts(session_duration=3.0, items_viewed=3.0))
    environment = {
        **os.environ,
        **system.place.variables,
        "FAULTLINE_TIME_SCALE": "1440",
    }
    command = [sys.executable, "-m", "lab.traffic", "--forever", "--rate", f"{RATE:g}", "--seed", "11"]
    traffic = subprocess.Popen(command, env=environment, cwd=system.place.root, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        write_shifts(system.place, Shifts())
        traffic.terminate()
        traffic.wait(20)


def incident(system: System, status: str) -> dict[str, Any] | None:
    found = system.http.get(f"{system.place.url('pager')}/v1/incidents").json()
    mine = (each for each in found if "FeatureDrift" in each["summary"] and each["status"] == status)
    return next(mine, None)


@pytest.mark.timeout(780)
def test_drift_pages_with_its_runbook_and_resolves(system: System, drifting: None) -> None:
    def scores() -> dict[str, float]:
        return {sample.labels["feature"]: sample.value for sample in system.prometheus(PSI)}

    system.eventually(lambda: all(scores().get(name, 0) > 0.25 for name in DRIFTING), "both features drift", within=300)
    still = {name: value for name, value in scores().items()
             if name not in (*DRIFTING, "conversion_probability")}  # fmt: skip
    assert max(still.values()) < 0.1, still
    page = system.eventually(lambda: incident(system, "triggered"), "the pager is triggered", within=150)
    assert any(link["href"].endswith("/runbooks/FeatureDrift") for link in page["links"])
    write_shifts(system.place, Shifts())
    system.eventually(lambda: incident(system, "resolved"), "the pager is told of the end", within=300)


def test_labels_of_the_living_users_were_joined(system: System, drifting: None) -> None:
    system.eventually(lambda: system.total("outcomes_total", result="joined") > 50, "outcomes are joined", within=120)
    lag = system.metrics("orchestrator")
    mean_s = lag.value("label_lag_seconds_sum") / lag.value("label_lag_seconds_count")
    assert 2 * 3_600 < mean_s < 36 * 3_600  # the world's median is nine hours


def test_no_metric_shows_more_series_than_its_budget(system: System, drifting: None) -> None:
    for service in topology.SERVICES:
        shown: dict[str, int] = {}
        for sample in system.metrics(service).samples:
            family = sample.name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
            shown[family] = shown.get(family, 0) + 1
        over = {name: count for name, count in shown.items() if count > budget(name)}
        assert not over, f"{service}: {over}"


def test_the_verification_passes_on_a_stack_with_traffic(system: System, drifting: None) -> None:
    """`make verify`: trace, logs, exemplar, every panel without a reason to be empty, rules, a page at its receiver."""
    system.eventually(lambda: all(map(system.prometheus, FLOWS)), "a minute of traffic shows in rates", within=120)
    done = system.cli("verify", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 0, [each for each in findings if each["outcome"] == "fail"]
    passed = {each["check"] for each in findings if each["outcome"] == "pass"}
    assert passed == {"trace", "logs", "exemplar", "panels", "rules", "alert"}
    # The rest says why it may be empty: the collector's row is the clusters', and labels and scores take minutes.
    counted = next(each["text"] for each in findings if (each["check"], each["outcome"]) == ("panels", "pass"))
    answering, asked = map(int, re.findall(r"\d+", counted)[:2])
    assert answering > 0.6 * asked, counted
