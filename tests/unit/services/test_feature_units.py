"""Feature definitions as a release: one feature in other units, and a deployment that says when."""

from __future__ import annotations

from typing import cast

import pytest

from chassis.redis import RedisStore
from chassis.telemetry import Telemetry
from services.feature_store.reader import FeatureReader
from tests.unit.signals import Signals

LISTING = {"area_m2": 100.0, "lot_m2": 500.0, "basement_m2": 40.0, "rooms": 5.0}


def test_other_definitions_change_one_feature_and_are_a_deployment(telemetry: Telemetry, signals: Signals) -> None:
    reader = FeatureReader(cast(RedisStore, None), telemetry)
    assert reader._in_units(LISTING) == LISTING
    telemetry.knobs.set("features.version", "v2")
    assert reader._in_units(LISTING) == {**LISTING, "area_m2": pytest.approx(1_076.39)}
    assert reader._in_units({"rooms": 5.0}) == {"rooms": 5.0}
    assert signals.metric("deployments_total", kind="features") == 1
    telemetry.knobs.set("features.version", "v1")
    assert signals.metric("deployments_total", kind="features") == 2
