"""A recorded case, as a campaign leaves it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.campaign import predictions
from lab.campaign.cases import Recorded, recorded
from lab.campaign.truth import truth_of
from lab.diagnosis.recording import save_period
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
