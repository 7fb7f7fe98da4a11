"""PSI and KS against hand-worked cases and scipy; windows of enough rows; counters that add up."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from chassis.drift import LEAST_ROWS, LONGEST_ROWS, QUEUE, DriftWatch, Reference, Window, ks, psi, read_references
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from tests.conftest import ROOT
from tests.unit.signals import Signals

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=10)
REFERENCE = Reference((1.0, 2.0, 3.0), (250, 250, 250, 250))


def watch(telemetry: Telemetry, reference: Reference = REFERENCE) -> DriftWatch:
    return DriftWatch(telemetry, "conversion_model", "v1", {"area_m2": reference})


def test_psi_of_a_case_worked_by_hand() -> None:
    """Of 999 and 999 rows in two bins, halves added: shares 0.5 and 0.5 against 0.75 and 0.25."""
    expected = 0.25 * math.log(1.5) + (-0.25) * math.log(0.5)
    assert psi([499.5, 499.5], [749.5, 249.5]) == pytest.approx(expected)
    assert expected == pytest.approx(0.2747, abs=1e-4)


def test_an_empty_bin_leaves_psi_finite() -> None:
    shares = [0.5 / 1001, 1000.5 / 1001]
    by_hand = sum((share - 0.5) * math.log(share / 0.5) for share in shares)
    assert psi([500, 500], [0, 1000]) == pytest.approx(by_hand)
    assert math.isfinite(psi([0, 10], [10, 0]))


@given(counts=COUNTS, factor=st.integers(1, 5))
def test_equal_distributions_have_no_psi_to_speak_of(counts: list[int], factor: int) -> None:
    assert psi(counts, counts) == pytest.approx(0)
    assert psi(counts, [count * factor for count in counts]) >= 0


@given(data=st.data())
def test_psi_is_symmetric_and_never_negative(data: st.DataObject) -> None:
    one = data.draw(COUNTS)
    two = data.draw(st.lists(st.integers(0, 500), min_size=len(one), max_size=len(one)))
    assert psi(one, two) == pytest.approx(psi(two, one))
    assert psi(one, two) >= 0


@pytest.mark.parametrize("seed", range(5))
def test_ks_agrees_with_scipy_on_the_bins(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = rng.normal(0, 1, 3_000), rng.normal(0.1 * seed, 1, 700)
    edges = np.quantile(reference, np.linspace(0.1, 0.9, 9))
    one, two = (np.searchsorted(edges, sample, side="right") for sample in (reference, current))
    counts = [np.bincount(each, minlength=10).tolist() for each in (one, two)]
    assert ks(*counts) == pytest.approx(ks_2samp(one, two).statistic, abs=1e-9)


@settings(deadline=None)  # scipy's first call imports for a second
@given(seed=st.integers(0, 10_000), shift=st.floats(-1, 1), scale=st.floats(0.5, 2))
def test_ks_at_the_edges_is_within_a_bin_s_share_of_the_whole_truth(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    reference, current = rng.normal(0, 1, 1_000), rng.normal(shift, scale, 500)
    edges = np.quantile(reference, np.linspace(0.1, 0.9, 9))
    one, two = (
        np.bincount(np.searchsorted(edges, sample, side="right"), minlength=10) for sample in (reference, current)
    )
    found, truth = ks(one.tolist(), two.tolist()), float(ks_2samp(reference, current).statistic)
    assert found <= truth + 1e-9
    assert truth <= found + max(one.max() / one.sum(), two.max() / two.sum())


def test_the_rule_s_psi_is_this_psi_on_committed_references() -> None:
    for path in ROOT.glob("models/*/v*/reference.json"):
        for reference in read_references(path).values():
            assert len(reference.counts) == len(reference.edges) + 1
            assert sum(reference.shares) == pytest.approx(1)
            assert psi(reference.counts, reference.counts) == pytest.approx(0)


@given(value=st.floats(-1e6, 1e6), edges=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9, unique=True))
def test_every_value_has_one_bin(value: float, edges: list[float]) -> None:
    ordered = tuple(sorted(edges))
    number = Reference(ordered, (1,) * (len(ordered) + 1)).bin(value)
    assert all(edge <= value for edge in ordered[:number])
    assert all(value < edge for edge in ordered[number:])


@given(rows=st.integers(0, LONGEST_ROWS * 2), age=st.floats(0, 1_000))
def test_a_window_is_due_with_enough_rows_and_age_only_and_is_bounded(rows: int, age: float) -> None:
    window = Window(now=0.0)
    for number in range(rows):
        window.add({"x": float(number)})
    assert window.is_due(age) == (rows >= LEAST_ROWS and age >= 60)
    assert len(window.rows) == min(rows, LONGEST_ROWS)
    assert window.seen == rows


def test_values_are_counted_by_bin_and_nulls_apart(telemetry: Telemetry, signals: Signals) -> None:
    each = watch(telemetry)
    for value in (0.5, 1.0, 2.5, 9.0, None, float("nan"), float("inf")):
        each.see({"area_m2": value})
    each.see({})
    each.bin_queued()
    labels = {"model_name": "conversion_model", "model_version": "v1", "feature": "area_m2"}
    assert [signals.metric("feature_values_total", **labels, bin=str(number)) for number in range(4)] == [1, 1, 1, 1]
    assert signals.metric("feature_nulls_total", **labels) == 4
    assert signals.metric("feature_reference_share", **labels, bin="0") == pytest.approx(0.25)


def test_two_replicas_counters_add_up_to_one_s(settings: Settings) -> None:
    rows = [{"area_m2": float(value)} for value in np.random.default_rng(1).uniform(0, 4, 400)]
    totals = []
    for parts in ([rows], [rows[:150], rows[150:]]):
        summed: Counter[int] = Counter()
        for part in parts:
            replica = Telemetry("feature_store", settings)
            each = watch(replica)
            for row in part:
                each.see(row)
            each.bin_queued()
            for number in range(4):
                summed[number] += int(Signals(replica).metric(
                    "feature_values_total", model_name="conversion_model", model_version="v1", feature="area_m2",
                    bin=str(number)))  # fmt: skip
        totals.append(summed)
    assert totals[0] == totals[1]


def test_a_flood_is_bounded_and_counted(telemetry: Telemetry, signals: Signals) -> None:
    each = watch(telemetry)
    for _ in range(QUEUE + 7):
        each.see({"area_m2": 1.0})
    dropped = signals.metric("feature_rows_dropped_total", model_name="conversion_model", model_version="v1")
    assert dropped == 7


def closed(telemetry: Telemetry, signals: Signals, rows: int) -> dict[str, object]:
    each = watch(telemetry)
    window = Window(0.0)
    for number in range(rows):
        window.add({"area_m2": number % 4 + 0.5})
    each.close(window)
    (line,) = (event for event in signals.logs() if event.message == "feature_window")
    json.dumps(line.fields)  # one JSON line
    assert line.fields["n"] == rows
    numbers: dict[str, object] = line.fields["features"]["area_m2"]
    return numbers


def test_a_closed_window_is_one_line_of_numbers(telemetry: Telemetry, signals: Signals) -> None:
    numbers = closed(telemetry, signals, 600)
    assert {"mean", "deviation", "p5", "p50", "p95", "null_share", "psi", "ks"} == set(numbers)
    assert (numbers["mean"], numbers["p50"], numbers["null_share"]) == (2.0, 1.5, 0.0)
    assert numbers["psi"] == pytest.approx(0, abs=1e-3)


def test_too_few_rows_are_told_without_a_score(telemetry: Telemetry, signals: Signals) -> None:
    assert not {"psi", "ks"} & set(closed(telemetry, signals, LEAST_ROWS - 1))


def test_one_absurd_value_leaves_a_window_its_line(telemetry: Telemetry, signals: Signals) -> None:
    """A listing of 1e308 m2 overflows a square; it must not cost the others their drift."""
    watched, window = watch(telemetry), Window(0.0)
    for value in (1e308, *([1.5] * LEAST_ROWS)):
        window.add({"area_m2": value})
    watched.close(window)
    [line] = [event for event in signals.logs("INFO") if event.message == "feature_window"]
    assert line
    assert signals.metric("feature_window_rows", model_name="conversion_model", model_version="v1") == LEAST_ROWS + 1
