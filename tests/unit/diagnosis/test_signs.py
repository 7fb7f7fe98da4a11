"""What is evidence and what is not yet: labels, pauses, roots and cycles near the bounds of their detectors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.clients.telemetry import Sample, Span
from lab.diagnosis.engine import diagnose
from lab.diagnosis.window import Window
from tests.unit.diagnosis.traces import changed, predictions, sample, span, window


def labels(*, lag_h: float, joined: float, joined_before: float) -> Window:
    """A window of a hundred predictions after one of a hundred, whose labels took 20 h."""
    return window(
        predictions(1),
        label_lag=[sample(lag_h * 3600, service_name="orchestrator")],
        label_lag_before=[sample(20 * 3600, service_name="orchestrator")],
        predictions=[sample(100)],
        predictions_before=[sample(100)],
        outcome_results=[sample(joined, result="joined")],
        outcome_results_before=[sample(joined_before, result="joined")],
    )


def test_labels_that_take_ten_times_as_long_are_late_though_as_many_still_come() -> None:
    found = diagnose(labels(lag_h=190, joined=90, joined_before=98))

    assert (found.ranking[0].finding.cause, found.healthy) == (("outcomes", "labels", "late labels"), False)


def test_a_longer_lag_than_that_of_a_baseline_that_knows_only_the_quickest_labels_proves_nothing() -> None:
    assert diagnose(labels(lag_h=60, joined=90, joined_before=40)).healthy


@pytest.mark.parametrize(("pauses", "healthy"), [(1, True), (12, False)])
def test_one_long_pause_is_the_machines_and_a_dozen_are_the_collectors(pauses: int, healthy: bool) -> None:
    seen = window(
        predictions(1),
        gc_pause=[sample(0.05, service_name="gateway")],
        gc_slow=[sample(pauses, service_name="gateway")],
    )

    assert diagnose(seen).healthy is healthy


@pytest.mark.parametrize(("lag_s", "kind"), [(0.001, "CPU contention"), (0.016, "blocked event loop")])
def test_a_dear_calculation_blocks_the_event_loop_if_timers_are_as_late_as_it_would_make_them(
    lag_s: float, kind: str
) -> None:
    """Ten predictions a second, 60 ms more of each in one operation, by cycles: on the loop, timers are 18 ms late."""
    begun = [span(int(s.trace_id, 16), "authenticate", 0.1, 0.2, s) for s in predictions(1) if not s.parent_id]
    before = [*predictions(1), *begun]
    slow = changed(before, {"name": "authenticate"}, lambda s: replace(s, end_ns=s.start_ns + 60_000_000))
    seen = window(
        slow,
        before,
        predictions=[sample(600)],
        cpu=[sample(0.65, service_name="gateway")],
        cpu_before=[sample(0.05, service_name="gateway")],
        loop_lag=[sample(lag_s, service_name="gateway")],
        loop_lag_before=[sample(0.001, service_name="gateway")],
    )
    found = diagnose(seen)

    assert (found.ranking[0].finding.cause, found.healthy) == (("gateway", "authenticate", kind), False)


@pytest.mark.parametrize(("share", "healthy"), [(10, True), (30, False)])
def test_spans_that_background_work_begins_as_well_may_be_roots_somewhat_more_often(share: int, healthy: bool) -> None:
    """``share`` per cent more of them; half of them were roots before."""

    def mixed(roots: int) -> list[Span]:
        alone = [
            span(5000 + n, "GET", 0, 1, None, "orchestrator", "client", peer__service="redis") for n in range(roots)
        ]
        fans = [s for s in predictions(1, 100) if s.name == "fan_out"][: 100 - roots]
        return [
            *predictions(1, 100),
            *alone,
            *(span(int(s.trace_id, 16), "GET", 4, 5, s, "orchestrator", "client", peer__service="redis") for s in fans),
        ]

    assert diagnose(window(mixed(50 + share), mixed(50))).healthy is healthy


def test_nothing_is_wrong_is_doubted_where_an_alert_fires() -> None:
    """A baseline that begins within the fault knows nothing else."""
    seen = window(
        predictions(1, wait=90), predictions(1000, wait=90), alerts=[sample(1, alertname="LatencyBudgetBurns")]
    )
    found = diagnose(seen)

    assert found.healthy
    assert any("LatencyBudgetBurns" in note and "--baseline" in note for note in found.notes)


@pytest.mark.parametrize(("start", "healthy"), [(1000e6, True), (450e6, False)])
def test_memory_that_was_kept_from_before_the_window_is_no_leak(start: float, healthy: bool) -> None:
    seen = window(
        predictions(1),
        memory=[sample(1000e6, service_name="nlp_model")],
        memory_start=[sample(start, service_name="nlp_model")],
        memory_before=[sample(450e6, service_name="nlp_model")],
    )

    assert diagnose(seen).healthy is healthy


def test_answers_that_pile_up_are_not_called_features_that_moved() -> None:
    """What stands in for a missing part moves price and probability far, and no feature."""

    def values(feature: str, low: float, high: float) -> list[Sample]:
        return [sample(n, service_name="orchestrator", feature=feature, bin=b) for b, n in (("0", low), ("9", high))]

    seen = window(
        predictions(1),
        feature_values=[*values("price", 5, 800), *values("conversion_probability", 5, 800)],
        feature_values_before=[*values("price", 400, 400), *values("conversion_probability", 400, 400)],
    )

    assert diagnose(seen).healthy
