"""The arithmetic behind docs/watching.md, against worked cases and scipy; and the page is what was kept."""

from __future__ import annotations

import json
import math

import pytest
from scipy.stats import binomtest, norm

from bench.counters import Counters, Leads, two_proportions
from bench.scenes import SCENES
from bench.watching import KEPT, PAGE, page


def counters(**values: float) -> Counters:
    """Of one counter, by version."""
    return Counters({("x_total", frozenset({("version", version)})): value for version, value in values.items()})


def test_what_grew_is_the_difference_and_a_new_series_began_at_nothing() -> None:
    grown = counters(v1=5, v2=3).since(counters(v1=2))
    assert (grown.total("x_total", version="v1"), grown.total("x_total", version="v2")) == (3, 3)
    assert grown.total("x_total") == 6
    assert grown.total("y_total") == 0


@pytest.mark.parametrize(("converted", "count"), [(0, 3), (193, 200), (50, 50), (7, 29)])
def test_the_interval_is_wilson_s(converted: int, count: int) -> None:
    known = binomtest(converted, count).proportion_ci(0.95, method="wilson")
    assert Leads(count, converted).interval == pytest.approx((known.low, known.high), abs=1e-4)


def test_leads_without_a_label_say_so() -> None:
    assert math.isnan(Leads(0, 0).share)
    assert Leads(0, 0).interval == (0.0, 1.0)


def test_two_proportions_of_a_case_worked_by_hand() -> None:
    """90 of 100 against 98 of 100: pooled 0.94, standard error sqrt(0.94 * 0.06 * 0.02)."""
    assert two_proportions(Leads(100, 90), Leads(100, 98)) == pytest.approx(-0.08 / math.sqrt(0.001128))
    assert norm.cdf(-3.3) < 1e-3 / 2  # what the alert's bound means
    assert two_proportions(Leads(10, 10), Leads(10, 10)) == 0
    assert math.isnan(two_proportions(Leads(0, 0), Leads(10, 9)))


def test_a_quantile_is_linear_within_its_bucket() -> None:
    edges = {"0.1": 50.0, "0.2": 90.0, "+Inf": 100.0}
    grown = Counters({("d_bucket", frozenset({("le", edge)})): count for edge, count in edges.items()})
    assert grown.quantile("d", 0.25) == pytest.approx(0.05)
    assert grown.quantile("d", 0.7) == pytest.approx(0.15)
    assert grown.quantile("d", 0.99) == pytest.approx(0.2)
    assert math.isnan(grown.quantile("nothing", 0.5))


def test_the_page_shows_each_scene_as_it_was_kept_and_each_claim_held() -> None:
    kept = json.loads(KEPT.read_text())
    assert kept.keys() <= SCENES.keys()
    assert PAGE.read_text() == page(kept)
    failed = [f"{name}: {claim}" for name, each in kept.items() for claim, holds in each["holds"].items() if not holds]
    assert failed == []
