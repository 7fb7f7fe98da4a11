"""What a learner broke is told point by point; it never breaks the checker."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.place import LabError
from lab.workshops import drift, instrument
from lab.workshops.claims import judged
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
