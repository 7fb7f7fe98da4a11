"""One trace taken apart: each remark is made where it is true, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.diagnosis.detectors.parallelism import overlap
from lab.diagnosis.one_trace import report, sentences
from tests.unit.diagnosis.traces import prediction, shifted, span


def test_a_healthy_trace_has_its_path_and_no_remark() -> None:
    told = report(prediction(1))

    assert told.remarks == ()
    assert told.steps[0].operation == "model_inference"
    assert sum(step.path_ms for step in told.steps) == pytest.approx(told.duration_ms)


def test_waiting_is_told_from_work() -> None:
    told = report(prediction(1, wait=50))

    assert told.queueing_ms == pytest.approx(50)
    assert "50.0 ms of it waiting its turn" in sentences(told)[0]


def test_an_error_is_told_where_it_starts() -> None:
    failing = [
        replace(s, status="error", status_message="refused") if s.service == "feature_store" else s
        for s in prediction(1)
    ]

    assert report(failing).remarks == ("An error starts in Redis of feature_store: refused.",)


def test_spans_without_parents_and_calls_without_answers_are_missing_spans() -> None:
    lost = [s for s in prediction(1) if s.name != "POST /v1/score"]
    remarks = report(lost).remarks

    assert any("spans of nlp_model name a parent that is not in the trace" in remark for remark in remarks)
    assert any("call nlp_model of orchestrator succeeded, but the trace holds no span" in remark for remark in remarks)


def test_a_clock_ahead_is_remarked_and_moves_no_time() -> None:
    straight, skewed = report(prediction(1)), report(shifted(prediction(1), "nlp_model", 3 * 10**9))

    assert any("Spans of nlp_model lie outside their parents" in remark for remark in skewed.remarks)
    assert [(s.operation, s.path_ms) for s in skewed.steps] == [(s.operation, s.path_ms) for s in straight.steps]


def test_attempts_and_round_trips_are_counted() -> None:
    spans = prediction(1)
    fan, look = (next(s for s in spans if s.name == name) for name in ("fan_out", "feature_lookup"))
    spans.append(span(1, "POST", 4, 5, fan, "orchestrator", "client", "error", peer__service="nlp_model"))
    spans += [span(1, "HGET", 6, 6.1, look, "feature_store", "client", peer__service="redis") for _ in range(6)]
    remarks = report(spans).remarks

    assert "orchestrator made 2 attempts to call nlp_model." in remarks
    assert "feature_store made 7 round trips to Redis." in remarks


def test_calls_in_a_row_are_remarked() -> None:
    late = [
        replace(s, start_ns=s.start_ns + 40_000_000, end_ns=s.end_ns + 40_000_000)
        if s.service == "nlp_model" or s.attributes.get("peer.service") == "nlp_model" else s
        for s in prediction(1)
    ]  # fmt: skip

    assert any("ran one after another" in remark for remark in report(late).remarks)


def test_overlap_is_of_what_could_overlap() -> None:
    one, within, after = span(1, "a", 0, 10), span(1, "b", 2, 4), span(1, "c", 10, 12)

    assert overlap([one, within]) == 1
    assert overlap([one, after]) == 0
    assert overlap([]) == 0
