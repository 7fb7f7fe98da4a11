"""The small sums that training rests on."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

import numpy as np
import pytest

from chassis.drift import psi
from marketplace.training.artifacts import write_head
from marketplace.training.evaluate import TARGETS, calibration_error, misses, r_squared
from marketplace.training.heads import PRICE_FEATURES, fit_price, threshold_for
from marketplace.training.reference import statistics_of
from marketplace.training.worlds import BLOCK_CHANNELS, LAST_CHANNELS, pick


def test_the_threshold_is_the_lowest_of_the_precision_asked() -> None:
    chance = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    converted = np.array([True, True, False, True, False])
    assert threshold_for(0.75, chance, converted) == 0.6
    assert threshold_for(1.0, chance, converted) == 0.8
    with pytest.raises(ValueError, match="no threshold"):
        threshold_for(0.9, chance, ~np.ones(5, dtype=bool))


def test_calibration_error_is_the_mean_gap_between_chance_and_share() -> None:
    chance = np.array([0.25] * 4 + [0.85] * 4)
    happened = np.array([True, False, False, False, True, True, False, False])
    assert calibration_error(chance, happened) == pytest.approx(0.5 * 0.0 + 0.5 * 0.35)


def test_r_squared_of_the_mean_is_zero() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert r_squared(truth, truth) == 1.0
    assert r_squared(truth, np.full(3, 2.0)) == 0.0


def test_bins_hold_what_bisect_puts_into_them() -> None:
    values = np.random.default_rng(0).normal(size=2000).round(1)
    stats = statistics_of(values)
    counts = [0] * len(stats["counts"])
    for value in values:
        counts[bisect_right(stats["edges"], value)] += 1
    assert counts == stats["counts"]
    assert sum(counts) == 2000
    assert len(stats["edges"]) == 9


def test_a_feature_of_few_values_has_few_bins_and_none_is_empty() -> None:
    stats = statistics_of([1.0] * 50 + [2.0] * 30 + [3.0] * 20)
    assert min(stats["counts"]) > 0
    assert len(stats["counts"]) == len(stats["edges"]) + 1 <= 3


def test_nulls_are_counted_and_stay_out_of_the_bins() -> None:
    stats = statistics_of([1.0, 2.0, float("nan"), 4.0])
    assert stats["null_share"] == 0.25
    assert sum(stats["counts"]) == 3


def test_psi_of_equal_histograms_is_zero_and_grows_with_the_shift() -> None:
    reference = [100] * 10
    assert psi(reference, reference) == 0.0
    assert psi(reference, [40] * 5 + [160] * 5) > 0.25 > psi(reference, [90] * 5 + [110] * 5)


def test_pick_takes_the_columns_of_the_taps_wanted() -> None:
    widths = [2 * BLOCK_CHANNELS[tap] for tap in (1, 4)]
    row = np.concatenate([np.zeros(LAST_CHANNELS), np.ones(widths[0]), np.full(widths[1], 4.0)])[None]
    picked = pick(row, have=(1, 4), want=(4,))
    assert picked.shape == (1, LAST_CHANNELS + widths[1])
    assert set(picked[0, LAST_CHANNELS:]) == {4.0}


def test_a_metric_that_misses_its_target_is_named() -> None:
    assert misses({"price_log_r2": 0.79, "scene_accuracy": 0.99, "price_median_error": 9.0}) == ["price_log_r2"]
    assert not TARGETS["conversion_precision"].holds(0.98)


def test_the_same_training_writes_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows: list[dict[str, float | str]] = [
        dict(zip(PRICE_FEATURES, rng.random(len(PRICE_FEATURES)).tolist(), strict=True)) for _ in range(200)
    ]
    prices = np.array([1e5 * (1.0 + float(row["area_m2"])) for row in rows])
    for name in ("one", "two"):
        write_head(tmp_path / name, fit_price(rows, prices, seed=1))
    for file in ("head.skops", "head.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
