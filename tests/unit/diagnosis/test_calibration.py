"""What a confidence is worth is counted, rises with it, and is certain of nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.diagnosis.calibration import Step, fit, worth
from lab.diagnosis.explain import counted

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@settings(deadline=None)  # a busy machine is no failure
@given(ANSWERS)
def test_a_map_rises_counts_every_case_once_and_is_certain_of_nothing(answers: list[tuple[float, bool]]) -> None:
    steps = fit(answers)
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert all(0 < share < 1 for share in shares)
    assert sum(step.cases for step in steps) == len(answers)
    assert sum(step.right for step in steps) == sum(right for _, right in answers)


def test_neighbours_that_would_fall_are_pooled() -> None:
    assert fit([(0.2, False), (0.5, True), (0.6, False), (0.9, True)]) == (
        Step(0.2, 0, 1), Step(0.5, 1, 2), Step(0.9, 1, 1),
    )  # fmt: skip


def test_a_confidence_falls_into_the_step_below_it() -> None:
    steps = (Step(0.3, 1, 4), Step(0.8, 9, 10))
    assert [worth(confidence, steps) for confidence in (0.1, 0.3, 0.79, 0.8, 1.0)] == [
        steps[0], steps[0], steps[0], steps[1], steps[1],
    ]  # fmt: skip


def test_without_recorded_cases_a_confidence_is_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.diagnosis.calibration.kept", lambda: ())
    assert "no probability" in counted(0.9)
    monkeypatch.setattr("lab.diagnosis.calibration.kept", lambda: (Step(0.8, 9, 10),))
    assert counted(0.9) == "9 of 10 answers as sure were right, on recorded faults it was developed on"
