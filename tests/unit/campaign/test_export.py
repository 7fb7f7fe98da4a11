"""An export holds what was seen, what was served, and what came true."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from lab.campaign import predictions
from lab.campaign.cases import Recorded, recorded
from lab.campaign.export import export, prediction_rows
from lab.campaign.truth import truth_of
from lab.diagnosis.recording import save_period
from lab.diagnosis.window import Window
from lab.faults.catalogue import ROWS
from tests.unit.diagnosis.traces import period
from tests.unit.diagnosis.traces import predictions as traced

KEPT = {
    "prediction_id": "0" * 20, "predicted_at": 3.5, "trace_id": "none of those", "span_id": "", "segment": "family",
    "versions": {"nlp_model": "v2"}, "probability": 0.7, "likely": True, "price": 2e5, "low": 1e5, "high": 3e5,
    "served": {"area": 120.0}, "label": {"converted": True, "at": 9.5, "sale_price": None},
}  # fmt: skip


@pytest.fixture
def case(tmp_path: Path) -> Recorded:
    folder = tmp_path / "campaign" / "redis-far-feature_store-1"
    save_period(folder / "fault.json.gz", period(0, traced(1)))
    save_period(folder / "normal.json.gz", period(-60, traced(1000)))
    predictions.save(folder / predictions.FILE, [KEPT])
    truth = truth_of(ROWS["redis-far"])
    about = {"id": folder.name, "fault": "redis-far", "at": "feature_store", "intensity": 1.0, "injected_s": 0.0}
    (folder / "truth.json").write_text(json.dumps({**about, "truth": truth.as_dict()}))
    return next(recorded(folder.parent))


def test_the_layout_is_rcaevals_with_parquet_beside_it(case: Recorded, tmp_path: Path) -> None:
    assert export([case], tmp_path / "out") == 1

    folder = tmp_path / "out" / "feature_store_redis-far" / "1"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "metrics.csv", "logs.csv", "traces.csv", "inject_time.txt", "truth.json", "spans.parquet",
        "predictions.parquet",
    }  # fmt: skip
    rows = pyarrow.parquet.read_table(folder / "predictions.parquet").to_pylist()
    assert len(rows) == len(list(case.window().now.predictions)) + len(list(case.window().before.predictions)) + 1
    [row] = [row for row in rows if row["prediction_id"]]
    assert (row["served_area"], row["label_converted"], row["label_time"]) == (120.0, True, 9.5)
    assert (row["nlp_model_version"], row["probability"]) == ("v2", 0.7)


def test_a_kept_row_joins_its_trace() -> None:
    window = Window(period(0, traced(1, 2)), period(-60, []))
    first = window.now.predictions[0].trace_id

    rows = list(prediction_rows(window, [{**KEPT, "trace_id": first}]))

    assert [row.get("served_area") for row in rows if row["trace_id"] == first] == [120.0]
    assert len(rows) == 2


@pytest.mark.parametrize(("mark", "label"), [(None, None), ("1", None)])
def test_what_is_no_label_is_none(mark: str | None, label: None) -> None:
    assert predictions.label_of(mark) is label
