"""Faults in one process: on, several at once, off by hand and by themselves, and everything put back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chassis.context import REQUEST_ID
from chassis.faults.board import Board, Order
from chassis.faults.fault import FaultRefused
from chassis.knobs import Knobs
from tests.unit.waiting import eventually


def order(kind: str = "low_limit", *, key: str = "k", seconds: float = 60.0, **more: Any) -> Order:
    return Order(key, kind, time.time() + seconds, more.pop("parameters", {}), **more)


@pytest.fixture
def knobs() -> Knobs:
    made = Knobs()
    made.register("admission.limit", 0.0, "x", minimum=0)
    made.register("fan_out.mode", "together", "x", choices=("together", "one_by_one"))
    return made


def test_a_fault_turns_its_knob_and_ending_it_turns_it_back(knobs: Knobs) -> None:
    board = Board(knobs)
    assert board.start(order())
    assert knobs["admission.limit"].value == 2.0
    assert board.end("k")
    assert knobs["admission.limit"].value == 0.0
    assert not board.end("k")


def test_intensity_moves_the_faults_own_parameter(knobs: Knobs) -> None:
    board = Board(knobs)
    board.start(order(intensity=0.5))
    assert knobs["admission.limit"].value == pytest.approx(4.0)


def test_a_fault_ends_by_itself(knobs: Knobs) -> None:
    board = Board(knobs)
    board.start(order(seconds=0.2))
    eventually(lambda: not board.orders(), "the fault has ended by its own timer")
    assert knobs["admission.limit"].value == 0.0


def test_two_at_once_and_one_of_them_cleared(knobs: Knobs) -> None:
    board = Board(knobs)
    board.start(order(key="a"))
    board.start(order("one_by_one", key="b"))
    board.end("a")
    assert knobs["admission.limit"].value == 0.0
    assert knobs["fan_out.mode"].value == "one_by_one"


def test_two_on_one_knob_and_the_first_one_cleared(knobs: Knobs) -> None:
    board = Board(knobs)
    board.start(order(key="a", parameters={"per_s": 3.0}))
    board.start(order(key="b", parameters={"per_s": 5.0}))
    board.end("a")
    assert knobs["admission.limit"].value == 5.0
    board.end("b")
    assert knobs["admission.limit"].value == 0.0


def test_an_operators_setting_made_meanwhile_survives(knobs: Knobs) -> None:
    board = Board(knobs)
    board.start(order())
    knobs.set("admission.limit", 50.0)
    assert knobs["admission.limit"].value == 2.0
    board.end("k")
    assert knobs["admission.limit"].value == 50.0


def test_the_same_order_again_changes_nothing_and_another_replaces_it(knobs: Knobs) -> None:
    board, first = Board(knobs), order()
    assert board.start(first)
    assert not board.start(first)
    assert board.start(order(parameters={"per_s": 3.5}))
    assert len(board.orders()) == 1
    assert knobs["admission.limit"].value == 3.5


def test_a_share_concerns_its_requests_and_always_the_same(knobs: Knobs) -> None:
    board = Board(knobs)
    board.start(order("one_by_one", share=0.3))

    def hit(number: int) -> bool:
        token = REQUEST_ID.set(f"request-{number}")
        try:
            return bool(knobs["fan_out.mode"].value == "one_by_one")
        finally:
            REQUEST_ID.reset(token)

    hits = [hit(number) for number in range(2_000)]
    assert 0.25 < sum(hits) / len(hits) < 0.35
    assert hits == [hit(number) for number in range(2_000)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"kind": "no_such_fault"}, "no fault"),
        ({"parameters": {"nonsense": 1}}, "no parameter"),
        ({"parameters": {"per_s": "many"}}, "float"),
        ({"parameters": {"per_s": float("nan")}}, "float"),
        ({"parameters": {"per_s": -1.0}}, "at or above"),
        ({"seconds": -1}, "has to end"),
        ({"seconds": 1e9}, "has to end"),
        ({"kind": "padded_text"}, "has no tokenizer"),
        ({"kind": "sudden_death", "share": 0.5}, "whole process"),
    ],
)
def test_nonsense_is_refused_with_its_reason_and_changes_nothing(
    knobs: Knobs, wrong: dict[str, Any], reason: str
) -> None:
    board = Board(knobs)
    with pytest.raises(FaultRefused, match=reason):
        board.start(order(**{"kind": "low_limit", **wrong}))
    assert not board.orders()
    assert knobs["admission.limit"].value == 0.0


def test_half_a_fault_is_none(knobs: Knobs) -> None:
    """heavy_keys turns two knobs; where the second is missing, the first is as before."""
    rounds = knobs.register("auth.rounds", 1_000, "x", minimum=1)
    with pytest.raises(FaultRefused):
        Board(knobs).start(order("heavy_keys"))
    assert rounds.value == 1_000


def test_memory_is_kept_and_given_back(knobs: Knobs) -> None:
    board = Board(knobs)
    before = _resident_mb()
    board.start(order("kept_memory", parameters={"megabytes_per_s": 200}))
    eventually(lambda: _resident_mb() > before + 60, "the process holds more memory", within=5)
    board.end("k")
    eventually(lambda: _resident_mb() < before + 40, "the memory is given back")


def test_collections_take_long_and_end(knobs: Knobs) -> None:
    import gc

    pauses: list[int] = []

    def notice(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            pauses.append(1)

    board = Board(knobs)
    gc.callbacks.append(notice)
    try:
        board.start(order("slow_collections", parameters={"objects": 20_000, "every_s": 0.02}))
        eventually(lambda: len(pauses) >= 3, "full collections come again and again", within=10)
        board.end("k")
        seen = len(pauses)
        time.sleep(0.1)
        assert len(pauses) == seen
    finally:
        gc.callbacks.remove(notice)


def _resident_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6
