"""A seed gives one drill, and every fault of a level can come."""

from __future__ import annotations

import pytest

from lab.drills.choose import LEVELS, choose
from lab.drills.decoys import DECOYS
from lab.faults.catalogue import ROWS
from services import topology


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_the_same_seed_gives_the_same_drill(level: int) -> None:
    assert [choose(ROWS, seed, level) for seed in range(30)] == [choose(ROWS, seed, level) for seed in range(30)]


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_every_fault_of_a_level_can_come_and_no_other(level: int) -> None:
    drawn = {choose(ROWS, seed, level).causes[0].fault for seed in range(400)}

    assert drawn == set(LEVELS[level])


def test_a_fault_is_in_one_level_at_most_and_nearly_all_are_in_one() -> None:
    """A new fault of the catalogue becomes a drill when it gets a place here (docs/extending/drill.md)."""
    listed = [fault for faults in LEVELS.values() for fault in faults]

    assert len(listed) == len({*listed}) >= 48
    assert {*listed} <= {*ROWS}


def test_the_last_level_has_two_causes_in_different_places_or_none() -> None:
    drills = [choose(ROWS, seed, 5) for seed in range(200)]

    assert {len(drill.causes) for drill in drills} == {0, 2}
    for drill in drills:
        assert len({ROWS[cause.fault].places[0] for cause in drill.causes}) == len(drill.causes)


def test_of_the_quiet_drills_some_show_each_decoy_and_no_other_drill_does() -> None:
    drills = [choose(ROWS, seed, level) for level in (1, 2, 3, 4, 5) for seed in range(200)]

    assert {drill.decoy for drill in drills if not drill.causes} == {"", *DECOYS}
    assert {drill.decoy for drill in drills if drill.causes} == {""}


def test_silent_faults_make_the_second_level() -> None:
    assert all(ROWS[fault].silent for fault in LEVELS[2])


def test_what_comes_with_users_outcomes_or_the_machine_came_with_no_release() -> None:
    drills = [choose(ROWS, seed, level) for level in (1, 2, 3, 4) for seed in range(200)]
    released = {drill.causes[0].truth.services[0] for drill in drills if drill.release}
    assert released <= set(topology.SERVICES)
    assert {drill.causes[0].fault for drill in drills} > {"concept-drift", "noisy-neighbour", "backend-refusing"}


def test_there_is_no_sixth_level() -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        choose(ROWS, 1, 6)
