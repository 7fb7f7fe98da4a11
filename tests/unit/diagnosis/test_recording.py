"""A recorded window is the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.clients.telemetry import LogLine
from lab.diagnosis.engine import diagnose
from lab.diagnosis.recording import load_period, load_window, save_period
from tests.unit.diagnosis.traces import period, predictions, sample, window


def test_a_replayed_recording_gets_the_same_answer(tmp_path: Path) -> None:
    seen = window(predictions(1, wait=90), threads=[sample(12, service_name="nlp_model")])
    save_period(tmp_path / "fault.json.gz", seen.now)
    save_period(tmp_path / "normal.json.gz", seen.before)

    replayed = load_window(tmp_path / "fault.json.gz", tmp_path / "normal.json.gz")

    assert replayed.now == seen.now
    assert diagnose(replayed) == diagnose(seen)


def test_lines_and_no_number_survive(tmp_path: Path) -> None:
    logs = [LogLine(5, "refused\nby Redis", {"service_name": "feature_store", "trace_id": "ab"})]
    save_period(tmp_path / "p.json.gz", period(0, [], logs, up=[sample(float("nan"), service_name="x")]))

    kept = load_period(tmp_path / "p.json.gz")

    assert kept.logs == tuple(logs)
    assert kept.select("up") == []
    assert kept.series["up"][0].value != kept.series["up"][0].value


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.json.gz").write_bytes(b"no gzip")

    with pytest.raises(OSError, match="gzip"):
        load_period(tmp_path / "p.json.gz")
