"""The checker's PSI and KS against an independent computation, and the batches that it makes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp

from chassis.drift import psi as psi_of_counts
from lab.workshops import batches, scores


@pytest.mark.parametrize("seed", range(5))
def test_ks_is_scipys_with_ties_and_without(seed: int) -> None:
    draw = np.random.default_rng(seed)
    before, now = draw.normal(0, 1, 700), draw.normal(0.3, 1.2, 500)
    assert scores.ks(before, now) == pytest.approx(ks_2samp(before, now).statistic)
    assert scores.ks(before.round(), now.round()) == pytest.approx(ks_2samp(before.round(), now.round()).statistic)


def test_psi_of_a_hand_worked_case() -> None:
    """Ten rows in each of ten bins against a hundred rows in the last: half a row added to each."""
    before, now = np.arange(100.0), np.full(100, 99.0)
    empty, full, even = 0.5 / 105, 100.5 / 105, 10.5 / 105
    by_hand = 9 * (empty - even) * math.log(empty / even) + (full - even) * math.log(full / even)
    assert scores.psi(before, now) == pytest.approx(by_hand)


def test_psi_is_that_of_the_services_over_the_same_bins() -> None:
    before, now = (np.random.default_rng(seed).normal(seed / 5, 1, 900) for seed in (1, 2))
    edges = np.quantile(before, np.arange(1, 10) / 10)
    counted = [np.histogram(each, [-np.inf, *edges, np.inf])[0].tolist() for each in (before, now)]
    assert scores.psi(before, now) == pytest.approx(psi_of_counts(*counted))


@pytest.mark.parametrize("seed", range(20))
def test_a_drifted_batch_moves_what_it_says_and_a_quiet_one_nothing(seed: int) -> None:
    """Whatever the seed of a check, 0.25 tells the two apart, and no honest solution fails by chance."""
    reference = batches.features(batches.quiet(1, 3_000))
    quiet, drifted = (batches.features(make(seed)) for make in (batches.quiet, batches.drifted))
    assert max(scores.psi(reference[name], quiet[name]) for name in reference) < 0.08
    found = {name: scores.psi(reference[name], drifted[name]) for name in reference}
    assert all((value > 0.35) if name in batches.MOVED else (value < 0.08) for name, value in found.items())
