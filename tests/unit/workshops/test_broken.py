"""What a learner broke is told point by point; it never breaks the checker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lab.place import LabError
from lab.workshops import batches, drift, drift_watch, instrument, promtool
from lab.workshops.claims import judged
from lab.workshops.folder import solution_of
from lab.workshops.output import page

EMPTY = page('model_prediction_value_bucket{le="1"} 0\n')


def told(answer: object) -> dict[str, str]:
    """What is missing by claim, where 24 predictions were asked for and each got this answer."""
    ids = [f"visit-{number:03d}" for number in range(24)]
    visits = [instrument.Visit("POST", "/predict", 200, each, 0.01, answer, each) for each in ids]
    said = {"model_version": "1", "prediction": 5.0, "latency_ms": 1.0}
    lines = [{"request_id": each, **said} for each in ids]
    points = judged(instrument.CLAIMS, instrument.Evidence(visits, EMPTY, lines, "", ""))
    return {point.name: point.missing for point in points if not point.holds}


@pytest.mark.parametrize("answer", [None, [], "gone", {}, {"price": "dear"}, {"price": None}])
def test_an_api_that_answers_no_price_is_told_and_nothing_of_its_predictions_holds(answer: object) -> None:
    found = told(answer)
    assert found["the API answers as before"] == "POST /predict gives no price"
    unjudged = {name for name, missing in found.items() if missing == "there was no prediction"}
    assert {"one JSON log line for each prediction", "model_prediction_value holds the predicted prices"} < unjudged


def test_an_answer_that_lost_its_version_is_told() -> None:
    found = told({"price": 5.0})
    assert "the API answers as before" not in found
    assert "the line has model_version" in found


@pytest.mark.parametrize(
    "text", ["years,price_per_m2,session_minutes,items_per_minute\n1,2,3,4\n", "age\n", "age\n1\n"]
)
def test_a_reference_that_lacks_a_feature_is_told_by_its_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "reference.csv").write_text(text)
    with pytest.raises(LabError, match=r"lacks .*(age|price_per_m2)"):
        drift.gather(tmp_path, tmp_path)


PANEL = "dashboard.json shows PSI by feature with a threshold at 0.25"


def shown(board: object, folder: Path) -> str:
    """What is missing of a panel."""
    (folder / "dashboard.json").write_text(json.dumps(board))
    claim = next(claim for claim in drift_watch.WATCH_CLAIMS if claim.name == PANEL)
    return claim.missing(folder)


@pytest.mark.parametrize(
    "board",
    [None, 5, [1], {"panels": 5}, {"panels": {"a": 1}}, {"dashboard": "x"}, {"panels": [{"targets": 5}, 5]}],
)
def test_a_dashboard_of_any_shape_is_told_and_breaks_nothing(board: object, tmp_path: Path) -> None:
    assert shown(board, tmp_path) == "no panel's query reads feature_drift_psi"


@pytest.mark.parametrize("config", [[1], {"defaults": 1}, {"defaults": {"thresholds": {"steps": [5, {"value": "x"}]}}}])
def test_thresholds_of_any_shape_are_told(config: object, tmp_path: Path) -> None:
    target = {"expr": "feature_drift_psi", "legendFormat": "{{feature}}"}
    assert "threshold" in shown({"panels": [{"targets": [target], "fieldConfig": config}]}, tmp_path)


def test_another_metrics_name_does_not_stand_for_the_legend(tmp_path: Path) -> None:
    board = json.loads((solution_of("drift") / "dashboard.json").read_text())
    for panel in board["panels"]:
        panel["targets"] = [{"expr": "max(feature_drift_psi) or max(feature_drift_ks)", "legendFormat": "PSI"}]
    assert "legend" in shown(board, tmp_path)


def test_a_score_that_is_not_there_is_told_in_words() -> None:
    raw = batches.quiet(1)
    run = drift.Run("", raw, {}, page("feature_batch_rows 1500\n"))
    names = ("undrifted", "drifted", "collapsed", "short")
    seen = drift.Evidence(batches.features(raw), dict.fromkeys(names, run))
    told = {point.name: point.missing for point in judged(drift.CLAIMS, seen)}
    assert told["PSI of an undrifted batch agrees and stays under 0.1"].startswith("session_minutes has no PSI")
    assert told["PSI stays finite where bins are empty"].startswith("age has no PSI")


def test_a_promtool_that_takes_too_long_is_an_error_with_a_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("promtool", 1)

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(LabError, match="took longer"):
        promtool.against_expressions(["up"])
