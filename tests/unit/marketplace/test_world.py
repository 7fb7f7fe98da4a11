"""The world is the same for the same seed, looks like the market it is calibrated to, and weighs little."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from marketplace.world import DEFAULT_SEED, SCENES, World, intensity
from marketplace.world.descriptions import describe
from marketplace.world.phrases import PHRASES, TIERS, VARIANTS
from tests.unit.marketplace.digest import NOON, digest

AMES_PRICES = {5: 87_500.0, 50: 160_000.0, 95: 335_000.0}


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def _run(*command: str) -> str:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_same_seed_gives_the_same_world_byte_for_byte_in_another_process() -> None:
    elsewhere = _run("-m", "tests.unit.marketplace.digest", str(DEFAULT_SEED)).strip()
    assert digest(DEFAULT_SEED) == elsewhere


def test_another_seed_gives_another_world(world: World) -> None:
    other = World(DEFAULT_SEED + 1)
    assert other.listings != world.listings
    assert other.users != world.users
    assert other.photo("L000001") != world.photo("L000001")


def test_what_was_asked_before_changes_nothing(world: World) -> None:
    fresh = World()
    assert fresh.photo("L000700") == world.photo("L000700")
    assert [fresh.description(f"L{n:06d}") for n in (9, 3)] == [world.description(f"L{n:06d}") for n in (9, 3)]


def test_importing_the_world_brings_no_model_library() -> None:
    heavy = "('torch', 'sklearn', 'scipy', 'transformers', 'chassis', 'services', 'lab')"
    code = f"import sys, marketplace.world; print([name for name in {heavy} if name in sys.modules])"
    assert _run("-c", code).strip() == "[]"


def test_ids_and_counts(world: World) -> None:
    assert (len(world.listings), len(world.users)) == (2000, 5000)
    assert (world.listings[0].id, world.listings[-1].id) == ("L000001", "L002000")
    assert (world.users[0].id, world.users[-1].id) == ("U000001", "U005000")
    assert {user.segment for user in world.users} == set(world.segments)
    with pytest.raises(KeyError):
        world.photo("L999999")


@pytest.mark.parametrize("percentile", AMES_PRICES)
def test_prices_have_the_quantiles_of_ames(world: World, percentile: int) -> None:
    found = np.percentile([listing.true_price for listing in world.listings], percentile)
    assert found == pytest.approx(AMES_PRICES[percentile], rel=0.05)


def test_features_are_numbers_and_a_name(world: World) -> None:
    listing, user = world.listing_features("L000001"), world.user_features("U000001")
    assert [name for name, value in listing.items() if isinstance(value, str)] == ["place"]
    assert [name for name, value in user.items() if isinstance(value, str)] == ["segment"]
    assert len({world.listing_features(one.id)["place"] for one in world.listings}) == 12


def test_a_neighbourhood_sums_up_what_its_listings_ask(world: World) -> None:
    mine = [
        row for row in map(world.listing_features, (one.id for one in world.listings)) if row["place"] == "bell_quay"
    ]
    asked = [float(row["list_price"]) / float(row["area_m2"]) for row in mine]
    stats = world.neighbourhood("bell_quay")
    assert stats.listings == len(mine) > 50
    assert stats.price_per_m2 == pytest.approx(np.median(asked))
    assert 0.1 < stats.spread < 0.8


def test_descriptions_are_short_and_follow_the_appeal(world: World) -> None:
    texts = [world.description(listing.id) for listing in world.listings]
    words = [len(text.split()) for text in texts]
    assert np.percentile(words, 5) >= 20
    assert np.percentile(words, 95) <= 30
    poor = sum(
        "derelict" in text or "ruin" in text
        for text, one in zip(texts, world.listings, strict=True)
        if one.appeal < 0.2
    )
    rich = sum(
        "derelict" in text or "ruin" in text
        for text, one in zip(texts, world.listings, strict=True)
        if one.appeal > 0.7
    )
    assert poor > 3
    assert rich == 0


def test_phrases_are_all_different_and_can_be_held_out(world: World) -> None:
    everything = [phrase for tiers in PHRASES.values() for tier in tiers for phrase in tier]
    assert len(set(everything)) == len(everything) == len(PHRASES) * TIERS * VARIANTS
    held_out = {tier[3].lower() for tiers in PHRASES.values() for tier in tiers}
    for listing in world.listings[:200]:
        text = describe(listing, np.random.default_rng(listing.number), variants=(0, 1, 2)).lower()
        assert not any(phrase in text for phrase in held_out)


def test_photos_are_small_jpegs_of_every_scene(world: World) -> None:
    assert {listing.scene for listing in world.listings} == set(SCENES)
    for listing in world.listings[:40]:
        data = world.photo(listing.id)
        assert 6_000 < len(data) < 45_000
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == ("JPEG", (320, 240))


def test_sessions_follow_their_user(world: World) -> None:
    rng = np.random.default_rng(4)
    user = world.users[10]
    seconds = [world.session(user.id, rng, NOON).session_duration for _ in range(400)]
    assert np.median(seconds) == pytest.approx(user.session_duration, rel=0.05)


def test_a_week_has_its_rush_hours_and_a_mean_of_one() -> None:
    monday = datetime(2026, 11, 23)
    hours = [intensity(monday + timedelta(hours=hour)) for hour in range(168)]
    assert np.mean(hours) == pytest.approx(1.0)
    assert intensity(datetime(2026, 11, 29, 20)) > 5 * intensity(datetime(2026, 11, 24, 3))


def test_outcomes_follow_the_truth_and_come_late(world: World) -> None:
    rng, keen = np.random.default_rng(5), sorted(world.users, key=lambda user: user.keenness)
    house = min(world.listings, key=lambda one: abs(one.appeal - 0.55) + abs(one.list_price / 190_000 - 1.0))
    eager = [world.outcome(user.id, house.id, rng, NOON) for user in keen[-300:]]
    idle = [world.outcome(user.id, house.id, rng, NOON) for user in keen[:300]]
    assert np.mean([one.converted for one in eager]) > 0.9 > 0.4 > np.mean([one.converted for one in idle])
    assert np.median([one.sale_price for one in eager]) == pytest.approx(house.true_price, rel=0.03)
    assert timedelta(hours=7) < np.median([one.delay for one in eager]) < timedelta(hours=11)
