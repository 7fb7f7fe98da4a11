"""A drill is compared with a minute in which the lab had nothing on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lab.diagnosis.window import Period
from lab.drills import usual
from lab.drills.usual import faulty, last_quiet, read_usual
from lab.faults import asking
from lab.place import Place
from tests.unit.diagnosis.traces import prediction


@pytest.mark.parametrize(
    ("busy", "end"),
    [
        ([], 1000),
        ([(100, 900)], 1000),
        ([(700, 945)], 700),  # a minute ago it was on, or had just gone
        ([(700, 980)], 700),
        ([(700, 980), (690, 750)], 690),
        ([(600, 640), (700, 980)], 600),  # between the two there was no quiet minute
        ([(-5000, 980)], 1000),  # a quiet minute that is too long ago helps nobody
    ],
)
def test_the_last_quiet_minute_is_taken(busy: list[tuple[float, float]], end: float) -> None:
    assert last_quiet(busy, 1000) == (end - 60, end)


def test_a_fault_counts_from_when_it_was_asked_for_until_it_was_cleared(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "run")
    made = asking.order(place, asking.Ask("redis-far", seconds=600))
    ((begun, ends),) = faulty(place)
    assert (ends, time.time() - begun < 60) == (made.ends_at, True)
    asking.clear(place, made.key)

    ((begun, ends),) = faulty(place)

    assert begun <= ends <= time.time()
    assert last_quiet(faulty(place), time.time())[1] == begun


def test_a_minute_that_left_no_telemetry_gives_way_to_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a reset, which wipes it."""
    place, backends, now = Place(tmp_path, tmp_path / "run"), object(), time.time()
    made = asking.order(place, asking.Ask("redis-far"))
    asking.clear(place, made.key)
    kept: list[Any] = []

    def read(_: object, start_s: float, end_s: float) -> Period:
        return Period(start_s, end_s, tuple(kept))

    monkeypatch.setattr(usual, "read_period", read)
    assert read_usual(place, backends, now + 5).end_s == now + 5  # type: ignore[arg-type]
    kept += prediction(1)
    assert read_usual(place, backends, now + 5).end_s < now + 5  # type: ignore[arg-type]
