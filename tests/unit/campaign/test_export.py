"""An export holds what was seen, what was served, and what came true."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from lab.campaign import predictions
from lab.campaign.cases import Recorded
from lab.campaign.export import export, prediction_rows
from lab.diagnosis.window import Window
from tests.unit.campaign.conftest import KEPT
from tests.unit.diagnosis.traces import period
from tests.unit.diagnosis.traces import predictions as traced


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


def test_every_case_has_the_same_columns_though_nothing_was_kept_of_it(case: Recorded, tmp_path: Path) -> None:
    """Else a reader of all cases as one table meets types that differ."""
    export([case], tmp_path / "one")
    (case.folder / predictions.FILE).unlink()
    export([case], tmp_path / "other")

    one, other = (
        pyarrow.parquet.read_schema(tmp_path / name / "feature_store_redis-far" / "1" / "predictions.parquet")
        for name in ("one", "other")
    )
    assert {name: one.field(name).type for name in other.names} == {each.name: each.type for each in other}
    assert set(one.names) - set(other.names) == {"served_area"}
    assert {"time", "trace_id", "nlp_model_version", "cv_model_score", "label_converted", "label_time"} <= {
        *other.names
    }
