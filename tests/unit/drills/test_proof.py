"""An evidence trace must hold what the player says."""

from __future__ import annotations

from dataclasses import replace

from lab.campaign.truth import truth_of
from lab.diagnosis.profile import observe
from lab.drills.proof import shows
from lab.faults.catalogue import ROWS
from tests.unit.diagnosis.traces import period, prediction, predictions

USUAL = observe(period(-60, predictions(1000)).traces)
WAITING = truth_of(ROWS["batch-wait"])


def test_a_slow_trace_shows_the_operation_that_was_slow() -> None:
    assert shows(prediction(5, wait=90), WAITING, USUAL, since_s=0)


def test_a_usual_trace_shows_nothing() -> None:
    assert not shows(prediction(5), WAITING, USUAL, since_s=0)


def test_a_trace_from_before_the_fault_shows_nothing() -> None:
    assert not shows(prediction(5, wait=90), WAITING, USUAL, since_s=100)


def test_no_trace_shows_nothing() -> None:
    assert not shows([], WAITING, USUAL, since_s=0)


def test_an_error_in_the_service_shows_its_failure() -> None:
    spans = [replace(s, status="error") if s.name == "PIPELINE HGETALL" else s for s in prediction(5)]

    assert shows(spans, truth_of(ROWS["redis-down"]), USUAL, since_s=0)
    assert not shows(spans, truth_of(ROWS["corrupt-photo"]), USUAL, since_s=0)


def test_a_half_trace_shows_a_broken_one() -> None:
    half = [replace(s, parent_id="") for s in prediction(5) if s.service == "nlp_model"]

    assert shows(half, truth_of(ROWS["lost-thread-context"]), USUAL, since_s=0)
