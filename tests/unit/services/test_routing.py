"""Users keep their model version, shares are kept, and two experiments do not know of each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from chassis.knobs import KnobError
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from services.orchestrator.routing import CANDIDATE, STABLE, VersionRouter
from tests.unit.signals import Signals

USERS = [f"U{number:06d}" for number in range(1, 5_001)]


def router(nlp: float = 20.0, cv: float = 20.0) -> VersionRouter:
    return VersionRouter({"nlp_model": nlp, "cv_model": cv}, Telemetry("orchestrator", Settings(telemetry=False)))


def on_candidate(each: VersionRouter, model: str) -> list[bool]:
    return [each.version(model, user) == CANDIDATE for user in USERS]


@pytest.mark.parametrize("share", [1.0, 5.0, 20.0, 50.0, 80.0])
@pytest.mark.parametrize("model", ["nlp_model", "cv_model"])
def test_of_five_thousand_users_the_share_is_kept_within_two_percent(model: str, share: float) -> None:
    taken = sum(on_candidate(router(share, share), model))
    assert abs(taken / len(USERS) * 100 - share) < 2


def test_nobody_and_everybody_are_exact() -> None:
    assert not any(on_candidate(router(nlp=0.0), "nlp_model"))
    assert all(on_candidate(router(nlp=100.0), "nlp_model"))


def test_the_two_experiments_are_independent() -> None:
    each = router(50.0, 50.0)
    nlp, cv = on_candidate(each, "nlp_model"), on_candidate(each, "cv_model")
    table = [[sum(a == x and b == y for a, b in zip(nlp, cv, strict=True)) for y in (0, 1)] for x in (0, 1)]
    assert chi2_contingency(table).pvalue > 0.01


def test_raising_a_share_moves_users_one_way_only() -> None:
    each = router(nlp=10.0)
    before = on_candidate(each, "nlp_model")
    each.shares["nlp_model"].set(40.0)
    after = on_candidate(each, "nlp_model")
    assert all(now for was, now in zip(before, after, strict=True) if was)
    assert sum(after) > sum(before)


@given(user=st.text(max_size=20))
def test_a_user_gets_the_same_version_from_every_replica(user: str) -> None:
    assert router().versions(user) == router().versions(user)
    assert set(router().versions(user).values()) <= {STABLE, CANDIDATE}


@pytest.mark.parametrize("share", [-1.0, 100.1, float("nan"), "20"])
def test_a_share_that_is_none_is_refused(share: object, telemetry: Telemetry) -> None:
    VersionRouter({"nlp_model": 20.0}, telemetry)
    with pytest.raises(KnobError):
        telemetry.knobs.set("canary.nlp_model", share)


def test_a_changed_share_is_a_deployment(telemetry: Telemetry, signals: Signals) -> None:
    VersionRouter({"nlp_model": 20.0}, telemetry)
    telemetry.knobs.set("canary.nlp_model", 50.0)
    assert signals.metric("canary_share_percent", model_name="nlp_model") == 50
    assert signals.metric("deployments_total", kind="canary") == 1
