"""Price and conversion answer whatever is known, and refuse files that could run code."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from chassis.model import ModelNotLoadedError
from marketplace.training.fusion import Row
from marketplace.world import World
from services.orchestrator.heads import ConversionModel, PriceModel, check_trees
from tests.unit.models.conftest import MODELS


@pytest.fixture(scope="module")
def row(world: World) -> Row:
    """Listing L000001 and user U000001, with the scores left out."""
    listing = world.listings[0]
    place = world.neighbourhood(listing.place)
    stats: Row = {
        "neighbourhood_price_per_m2": place.price_per_m2,
        "neighbourhood_listings": float(place.listings),
        "neighbourhood_spread": place.spread,
    }
    return world.user_features("U000001") | world.listing_features(listing.id) | stats


def test_a_price_lies_in_its_interval_near_the_truth(price_model: PriceModel, row: Row, world: World) -> None:
    scores: Row = {"text_score": 0.8, "photo_quality": 0.9, "photo_condition": 0.9}
    estimate = price_model.predict(row | scores)
    assert 0.0 < estimate.low < estimate.price < estimate.high
    assert estimate.price == pytest.approx(world.true_price("L000001"), rel=0.25)


def test_a_better_photo_and_text_make_a_house_dearer(price_model: PriceModel, row: Row) -> None:
    poor = price_model.predict(row | {"text_score": 0.2, "photo_condition": 0.2})
    rich = price_model.predict(row | {"text_score": 0.9, "photo_condition": 0.9})
    assert rich.price > 1.05 * poor.price


def test_a_keener_and_richer_user_is_likelier_to_convert(conversion_model: ConversionModel, row: Row) -> None:
    idle = conversion_model.predict(row | {"session_duration": 60.0, "items_viewed": 2.0, "saved": 0.1, "budget": 9e4})
    keen = conversion_model.predict(
        row | {"session_duration": 1500.0, "items_viewed": 30.0, "saved": 6.0, "budget": 4e5, "text_score": 0.9}
    )
    assert idle.probability < 0.1 < 0.9 < keen.probability
    assert (idle.positive, keen.positive) == (False, True)


def test_what_is_missing_or_broken_counts_as_typical(
    price_model: PriceModel, conversion_model: ConversionModel
) -> None:
    nothing = price_model.predict({})
    assert 100_000 < nothing.price < 250_000
    assert price_model.predict({"area_m2": float("nan"), "rooms": float("inf")}) == nothing
    assert 0.0 < conversion_model.predict({"segment": "pirates"}).probability < 1.0
    assert price_model.missing({"area_m2": 100.0}) == price_model.features[1:]
    assert set(price_model.defaults) == set(price_model.features)


@pytest.mark.parametrize("value", [0.0, -5.0, 1e12])
def test_absurd_numbers_still_give_a_finite_answer(
    price_model: PriceModel, conversion_model: ConversionModel, value: float
) -> None:
    assert price_model.predict(dict.fromkeys(price_model.features, value)).price > 0.0
    assert 0.0 <= conversion_model.predict(dict.fromkeys(conversion_model.features, value)).probability <= 1.0


def test_one_row_agrees_with_the_threshold(conversion_model: ConversionModel, row: Row) -> None:
    estimate = conversion_model.predict(row)
    assert estimate.positive == (estimate.probability >= conversion_model.threshold)


def test_an_unloaded_head_says_so() -> None:
    model = PriceModel(MODELS / "price_model" / "v1")
    assert (model.version, model.loaded) == ("v1", True)
    model.unload()
    with pytest.raises(ModelNotLoadedError):
        model.predict({})
    model.load()
    assert model.predict({}).price > 0


class _Sneaky:
    """Stands for any type that nobody has looked at."""


def test_a_file_with_another_type_is_refused(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "price_model" / "v1", tmp_path / "v1")
    skops.io.dump(_Sneaky(), tmp_path / "v1" / "head.skops")
    with pytest.raises(UntrustedTypesFoundException):
        PriceModel(tmp_path / "v1")


def test_a_tree_that_points_outside_itself_is_refused(price_model: PriceModel) -> None:
    check_trees(price_model.estimator)
    twin = PriceModel(MODELS / "price_model" / "v1").estimator
    twin.estimators_[3, 0].tree_.feature[0] = 10_000
    with pytest.raises(ValueError, match="feature that is not there"):
        check_trees(twin)


def test_a_row_takes_far_less_than_a_millisecond_of_processor_time(price_model: PriceModel, row: Row) -> None:
    import time

    spent = []
    for _ in range(200):
        started = time.thread_time()
        price_model.predict(row)
        spent.append(time.thread_time() - started)
    assert np.median(spent) < 0.001
