"""Shared changes: made once, kept going, undone from what was written down, also by another keeper after a crash."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lab import seal
from lab.faults import shared
from lab.faults.journal import Journal, path_of
from lab.faults.row import SharedEffect
from lab.faults.shared import hot_hashes
from lab.faults.wanted import Wanted, folder
from lab.place import Place

EFFECT = SharedEffect("tiny_queue")


class Light:
    """A shared thing that is on or off, and that remembers what was done to it."""

    done: ClassVar[list[str]] = []
    fails: ClassVar[bool] = False

    def __init__(self, row: Wanted) -> None:
        self._row = row

    def plan(self, place: Place) -> dict[str, Any]:
        self.done.append("planned")
        return {"was": "off"}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        assert Journal(place).names(), "how to undo it is on disk before it is made"
        self.done.append("on")
        if self.fails:
            raise OSError("the machine went down")

    def go_on(self, place: Place) -> None:
        self.done.append("still on")

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        Light.done.append(f"back to {plan['was']}")


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_class", lambda kind: Light)
    Light.done, Light.fails = [], False


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "run")


def wanted(seconds: float = 60.0) -> Wanted:
    return Wanted("k", "backend-refusing", "telemetry pipeline", time.time() + seconds)


def test_made_once_kept_going_and_undone(place: Place) -> None:
    journal, row = Journal(place), wanted()
    for _ in range(3):
        journal.keep("k-0", row, EFFECT)
    assert Light.done == ["planned", "on", "still on", "still on", "still on"]
    journal.undo("k-0")
    assert Light.done[-1] == "back to off"
    assert journal.names() == set()


def test_a_keeper_that_died_half_way_leaves_enough_to_undo_it(place: Place) -> None:
    Light.fails = True
    with pytest.raises(OSError, match="went down"):
        Journal(place).keep("k-0", wanted(), EFFECT)
    after = Journal(place)
    assert after.names() == {"k-0"}
    after.undo("k-0")
    assert Light.done[-1] == "back to off"


def test_the_next_keeper_goes_on_from_the_first_ones_plan(place: Place) -> None:
    """The state before the change is known to the first plan alone: a second one would plan what is broken."""
    row = wanted()
    Journal(place).keep("k-0", row, EFFECT)
    Journal(place).keep("k-0", row, EFFECT)
    assert Light.done.count("planned") == 1
    assert Light.done.count("on") == 2


def test_what_is_overdue_is_known(place: Place) -> None:
    Journal(place).keep("k-0", wanted(seconds=-1), EFFECT)
    Journal(place).keep("l-0", wanted(), EFFECT)
    assert Journal(place).overdue() == ["k-0"]


def test_who_comes_by_learns_nothing_not_even_that_there_is_something(place: Place) -> None:
    journal = Journal(place)
    journal.begin()
    empty = path_of(place).read_text()
    journal.keep("k-0", wanted(), EFFECT)
    kept = path_of(place).read_text()
    assert len(kept) == len(empty)
    assert "tiny_queue" not in kept
    assert seal.unseal(kept, seal.key_of(place))["k-0"]["kind"] == "tiny_queue"
    assert {path.suffix for path in folder(place).iterdir()} <= {".sealed", ".lock", ""}
    assert len([*folder(place).glob("undo*")]) == 1


def test_a_hash_that_has_grown_is_never_taken_for_the_usual_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the first plan lost, the second would keep megabytes as what to go back to."""
    hashes = {"listing:L000001": {"area_m2": "80", "similar:L000007": "0.5"}}
    monkeypatch.setattr(hot_hashes, "connect", lambda place: nullcontext(Held(hashes)))
    plan = hot_hashes.HotHashes(wanted()).plan(place)
    assert plan == {"hashes": {"listing:L000001": {"area_m2": "80"}}}


@dataclass
class Held:
    """As much of a Redis as a plan asks."""

    hashes: dict[str, dict[str, str]]

    def scan_iter(self, pattern: str, count: int) -> list[str]:
        return [*self.hashes]

    def object(self, what: str, key: str) -> int:
        return 0

    def hgetall(self, key: str) -> dict[str, str]:
        return self.hashes[key]
