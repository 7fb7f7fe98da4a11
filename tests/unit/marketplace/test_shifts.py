"""Each shift moves what it names, and nothing else."""

from __future__ import annotations

import io
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from chassis.drift import psi
from marketplace.training.reference import statistics_of
from marketplace.world import Session, Shifts, User, World
from tests.unit.marketplace.digest import NOON

ROWS = 1000


def _sessions(shifts: Shifts, seed: int) -> list[Session]:
    world, rng = World(shifts=shifts), np.random.default_rng(seed)
    users: tuple[User, ...] = world.users
    return [world.session(users[int(rng.integers(len(users)))].id, rng, NOON) for _ in range(ROWS)]


def _psi(name: str, shifts: Shifts) -> float:
    """PSI of one session field between a healthy window and a shifted one of other users."""
    healthy = statistics_of([getattr(one, name) for one in _sessions(Shifts(), 1)])
    now = [getattr(one, name) for one in _sessions(shifts, 2)]
    counts = np.bincount(np.searchsorted(healthy["edges"], now, side="right"), minlength=len(healthy["counts"]))
    return psi(healthy["counts"], counts.tolist())


def test_a_shift_of_behaviour_drifts_two_features_and_leaves_the_third() -> None:
    shifts = Shifts(session_duration=0.8, items_viewed=0.8)
    assert _psi("session_duration", shifts) > 0.25
    assert _psi("items_viewed", shifts) > 0.25
    assert _psi("saved", shifts) < 0.1


@pytest.mark.parametrize("name", ["session_duration", "items_viewed", "saved"])
def test_without_a_shift_nothing_drifts(name: str) -> None:
    assert _psi(name, Shifts()) < 0.1


def test_dark_photos_darken_their_share_and_no_other() -> None:
    light, dark = World(), World(shifts=Shifts(dark_photos=0.5))
    chosen = light.listings[:120]
    changed = [one for one in chosen if light.photo(one.id) != dark.photo(one.id)]
    assert 0.35 < len(changed) / len(chosen) < 0.65
    for listing in changed:
        assert _brightness(dark.photo(listing.id)) < 0.6 * _brightness(light.photo(listing.id))
    assert World(shifts=Shifts(dark_photos=0.5)).photo(changed[0].id) == dark.photo(changed[0].id)


def test_one_segment_stops_converting_and_its_features_stay() -> None:
    usual, stopped = World(), World(shifts=Shifts(stopped_segment="family"))
    rates = {segment: _rate(stopped, segment) for segment in stopped.segments}
    assert rates.pop("family") == 0.0
    assert min(rates.values()) > 0.2
    assert [usual.user_features(user.id) for user in usual.users] == [
        stopped.user_features(u.id) for u in stopped.users
    ]


def test_labels_come_late_by_the_factor() -> None:
    delays = []
    for world in (World(), World(shifts=Shifts(label_delay=6.0))):
        rng = np.random.default_rng(3)
        delays.append(world.outcome("U000001", "L000001", rng, NOON).delay)
    assert abs(delays[1] - 6 * delays[0]) < timedelta(seconds=1)


def test_areas_in_other_units_change_areas_alone() -> None:
    usual, feet = (
        World().listing_features("L000002"),
        World(shifts=Shifts(area_factor=10.7639)).listing_features("L000002"),
    )
    assert {name for name in usual if usual[name] != feet[name]} == {"area_m2", "lot_m2", "basement_m2"}
    assert float(feet["area_m2"]) == pytest.approx(10.7639 * float(usual["area_m2"]), abs=0.06)


def test_prices_move_with_their_level() -> None:
    usual, dear = World(), World(shifts=Shifts(price_level=1.2))
    assert dear.true_price("L000003") == pytest.approx(1.2 * usual.true_price("L000003"))
    assert dear.listing_features("L000003") == usual.listing_features("L000003")


def test_shifts_that_mean_nothing_are_refused() -> None:
    for wrong in ({"dark_photos": 1.5}, {"label_delay": 0.0}, {"area_factor": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Shifts(**wrong)
    with pytest.raises(ValueError, match="pirates"):
        World(shifts=Shifts(stopped_segment="pirates"))


def _brightness(data: bytes) -> float:
    with Image.open(io.BytesIO(data)) as image:
        return float(np.asarray(image.convert("L")).mean())


def _rate(world: World, segment: str) -> float:
    rng = np.random.default_rng(8)
    users = [user for user in world.users if user.segment == segment][:150]
    shown = [world.listings[int(rng.integers(len(world.listings)))].id for _ in users]
    return float(
        np.mean([world.outcome(user.id, one, rng, NOON).converted for user, one in zip(users, shown, strict=True)])
    )
