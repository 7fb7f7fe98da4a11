"""Each reference solution passes its checker, each bare start fails it point by point, and each point can be missed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.workshops import batches, drift, instrument, trace
from lab.workshops.claims import Claim, judged
from lab.workshops.drift_watch import WATCH_CLAIMS
from lab.workshops.folder import copy_start, solution_of
from lab.workshops.output import Page, page

# What the bare start does well already: it works.
WORKS = {
    "instrument": {"the API answers as before", "no e-mail address in logs or metrics"},
    "drift": {"the job makes the same features as before"},
    "trace": {"the services answer as before"},
}
CHECKERS: dict[str, Any] = {"instrument": instrument, "drift": drift, "trace": trace}


def solved(name: str, folder: Path) -> Path:
    shutil.copytree(solution_of(name), folder, ignore=shutil.ignore_patterns("__pycache__"))
    if name == "drift":
        batches.fill(folder)
    return folder


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """What a run of a solution leaves, made once."""
    made: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = CHECKERS[name].gather(solved(name, folder / "solution"), folder)
        return made[name]

    return of


def missing(claims: tuple[Claim[Any], ...], evidence: object) -> dict[str, str]:
    return {point.name: point.missing for point in judged(claims, evidence) if not point.holds}


@pytest.mark.parametrize("name", CHECKERS)
def test_the_solution_passes(name: str, evidence: Callable[[str], Any]) -> None:
    assert missing(CHECKERS[name].CLAIMS, evidence(name)) == {}


def test_the_solutions_alert_and_panel_pass() -> None:
    assert missing(WATCH_CLAIMS, solution_of("drift")) == {}


@pytest.mark.parametrize("name", CHECKERS)
def test_the_bare_start_is_told_every_point_but_that_it_works(name: str, tmp_path: Path) -> None:
    copy_start(name, tmp_path / "mine")
    if name == "drift":
        batches.fill(tmp_path / "mine")
    points = CHECKERS[name].check(tmp_path / "mine", tmp_path)
    assert {point.name for point in points if point.holds} == WORKS[name]


def without(text: str, *words: str) -> Page:
    """A page of metrics without the lines that hold one of these words."""
    return page("\n".join(line for line in text.splitlines() if not any(word in line for word in words)) + "\n")


def valued(text: str, series: str, value: str) -> Page:
    """A page of metrics in which a series has another value."""
    changed, count = re.subn(rf"^({re.escape(series)}) \S+$", rf"\g<1> {value}", text, flags=re.MULTILINE)
    assert count == 1
    return page(changed)


METRICS: dict[str, Callable[[str], Page]] = {
    "http_requests_total counts every request by method, route and status": lambda text: without(text, 'status="422"'),
    "a request that raised counts as status 500": lambda text: without(text, 'status="500"'),
    "route is the template and not the path": lambda text: page(
        text + 'http_requests_total{method="GET",route="/places/a1",status="404"} 0\n'
    ),
    "model_inference_duration_seconds measures each inference": lambda text: without(text, 'le="0.1"'),
    "model_prediction_value holds the predicted prices": lambda text: without(
        text, "model_prediction_value_bucket{le=\"1", "model_prediction_value_bucket{le=\"2"
    ),
}  # fmt: skip


@pytest.mark.parametrize("claim", METRICS)
def test_of_the_metrics_each_point_can_be_missed_alone(claim: str, evidence: Callable[[str], Any]) -> None:
    seen: instrument.Evidence = evidence("instrument")
    assert [*missing(instrument.CLAIMS, replace(seen, metrics=METRICS[claim](seen.metrics.text)))] == [claim]


@pytest.mark.parametrize(
    ("field", "claim"),
    [
        ("model_version", "the line has model_version"),
        ("latency_ms", "the line has latency_ms"),
        ("request_id", "the line has the request's id, and so has the answer"),
    ],
)
def test_of_the_log_each_field_can_be_missed(field: str, claim: str, evidence: Callable[[str], Any]) -> None:
    seen: instrument.Evidence = evidence("instrument")
    lines = [{key: value for key, value in line.items() if key != field} for line in seen.lines]
    assert claim in missing(instrument.CLAIMS, replace(seen, lines=lines))


def test_an_address_in_the_log_and_an_alert_on_nothing_are_told(evidence: Callable[[str], Any]) -> None:
    seen: instrument.Evidence = evidence("instrument")
    told = missing(instrument.CLAIMS, replace(seen, said=seen.said + "seller-1@example.com"))
    assert [*told] == ["no e-mail address in logs or metrics"]
    told = missing(instrument.CLAIMS, replace(seen, alerts="```promql\nrate(no_such[5m]) > 1\n```\nFor 5 minutes."))
    assert "no_such" in told["ALERTS.md has alerts that this service's metrics can answer"]


AGE = '{feature="age"}'
SCORES: dict[str, tuple[str, Callable[[str], Page]]] = {
    "PSI of an undrifted batch agrees and stays under 0.1": (
        "undrifted",
        lambda text: valued(text, f"feature_drift_psi{AGE}", "0.2"),
    ),
    "PSI of a drifted batch agrees, and only the features that moved are over 0.25": (
        "drifted",
        lambda text: valued(text, f"feature_drift_psi{AGE}", "0.3"),
    ),
    "PSI stays finite where bins are empty": (
        "collapsed",
        lambda text: valued(text, f"feature_drift_psi{AGE}", "+Inf"),
    ),
    "every feature has a KS that agrees": ("drifted", lambda text: valued(text, f"feature_drift_ks{AGE}", "0.5")),
    "a short batch is not scored": ("short", lambda text: page(text + f"feature_drift_psi{AGE} 0.1\n")),
    "rows and time of the batch are published": ("undrifted", lambda text: without(text, "timestamp")),
}


@pytest.mark.parametrize("claim", SCORES)
def test_of_the_scores_each_point_can_be_missed_alone(claim: str, evidence: Callable[[str], Any]) -> None:
    seen: drift.Evidence = evidence("drift")
    name, change = SCORES[claim]
    run = replace(seen.runs[name], metrics=change(seen.runs[name].metrics.text))
    assert [*missing(drift.CLAIMS, replace(seen, runs={**seen.runs, name: run}))] == [claim]


@pytest.mark.parametrize(
    ("before", "after", "claim"),
    [
        ("> 0.25", "> 0.2", "the alert is quiet at a PSI of 0.24"),
        ("for: 35m", "for: 5m", "the alert is quiet after one bad batch"),
        ("> 0.25", "> 0.3", "the alert fires within 65 minutes of a PSI of 0.26 and ends with it"),
        ("feature_drift_psi >", "max(feature_drift_psi) >", "the alert names the feature and no other"),
        ("expr: feature", "expr: ) feature", "rules.yml is a rule file that promtool accepts"),
    ],
)
def test_a_wrong_alert_is_told(before: str, after: str, claim: str, tmp_path: Path) -> None:
    folder = solved("drift", tmp_path / "mine")
    rules = folder / "rules.yml"
    rules.write_text(rules.read_text().replace(before, after))
    assert claim in missing(WATCH_CLAIMS, folder)


@pytest.mark.parametrize(
    ("before", "after"), [('"value": 0.25', '"value": 0.5'), ('"expr": "', '"expr": ")'), ("{", "")]
)
def test_a_wrong_panel_is_told(before: str, after: str, tmp_path: Path) -> None:
    folder = solved("drift", tmp_path / "mine")
    board = folder / "dashboard.json"
    board.write_text(board.read_text().replace(before, after))
    assert [*missing(WATCH_CLAIMS, folder)] == ["dashboard.json shows PSI by feature with a threshold at 0.25"]


def orphaned(seen: trace.Evidence) -> trace.Evidence:
    """The clients' spans never arrived."""
    kept = {key: [span for span in spans if span.kind != "client"] for key, spans in seen.traces.items()}
    return replace(seen, traces=kept)


def unheard(seen: trace.Evidence) -> trace.Evidence:
    """What raised left its span as any other."""
    kept = {key: [replace(span, status="unset") for span in spans] for key, spans in seen.traces.items()}
    return replace(seen, traces=kept)


def plain(seen: trace.Evidence) -> trace.Evidence:
    """One service still prints words."""
    return replace(seen, lines={**seen.lines, "pricing": []})


@pytest.mark.parametrize(
    ("change", "claims"),
    [
        (orphaned, ["every span has its parent", "a call has a client span, and the callee's server span under it"]),
        (unheard, ["what raised is an error on its span, with the exception"]),
        (
            plain,
            [
                "every log line is JSON with service, trace_id and span_id",
                "a request's log lines from all three services lead to its trace",
            ],
        ),
    ],
)
def test_of_the_traces_each_point_can_be_missed(
    change: Callable[[trace.Evidence], trace.Evidence], claims: list[str], evidence: Callable[[str], Any]
) -> None:
    assert [*missing(trace.CLAIMS, change(evidence("trace")))] == claims
