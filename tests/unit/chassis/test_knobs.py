"""Knobs: typed, bounded, documented, and never half set."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.knobs import Knob, KnobError, Knobs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


def knobs() -> Knobs:
    table = Knobs()
    table.register("pool.limit", 8, "Connections.", minimum=1, maximum=64)
    table.register("client.backoff", 0.1, "Seconds.", minimum=0)
    table.register("batcher.on", True, "Whether requests are batched.")
    table.register("reader.strategy", "pipelined", "How features are read.", choices=("pipelined", "one_by_one"))
    return table


def test_a_knob_is_read_as_an_attribute() -> None:
    limit = Knobs().register("pool.limit", 8, "Connections.")
    assert limit.value == 8
    limit.set(9)
    assert limit.value == 9
    limit.reset()
    assert limit.value == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool.limit", 0),
        ("pool.limit", 65),
        ("pool.limit", True),
        ("pool.limit", 2.0),
        ("pool.limit", "8"),
        ("pool.limit", None),
        ("client.backoff", -0.1),
        ("client.backoff", math.nan),
        ("client.backoff", math.inf),
        ("client.backoff", True),
        ("batcher.on", 1),
        ("batcher.on", "true"),
        ("reader.strategy", "random"),
        ("reader.strategy", ["pipelined"]),
    ],
)
def test_a_wrong_value_is_refused_and_changes_nothing(name: str, value: object) -> None:
    table = knobs()
    before = table[name].value
    with pytest.raises(KnobError, match=name):
        table.set(name, value)
    assert table[name].value == before


@given(name=st.sampled_from([knob.name for knob in knobs()]), value=JSON)
def test_any_json_is_taken_or_refused(name: str, value: object) -> None:
    table = knobs()
    try:
        table.set(name, value)
    except KnobError:
        return
    assert type(table[name].value) is type(table[name].default)


def test_a_whole_number_is_a_number() -> None:
    table = knobs()
    assert table.set("client.backoff", 1) == 1.0
    assert isinstance(table["client.backoff"].value, float)


def test_a_change_is_applied_and_undone_where_that_fails() -> None:
    applied: list[int] = []

    def apply(value: int) -> None:
        if value == 13:
            raise RuntimeError("not today")
        applied.append(value)

    knob = Knob("pool.limit", 8, "Connections.", on_change=apply)
    knob.set(9)
    with pytest.raises(RuntimeError):
        knob.set(13)
    assert (applied, knob.value) == ([9], 9)


def test_a_name_is_taken_once_and_unknown_ones_are_named() -> None:
    table = knobs()
    with pytest.raises(ValueError, match=r"pool\.limit"):
        table.register("pool.limit", 1, "Again.")
    with pytest.raises(KeyError):
        table.set("no.such", 1)


def test_all_go_back_to_their_defaults() -> None:
    table = knobs()
    table.set("pool.limit", 1)
    table.set("reader.strategy", "one_by_one")
    table.reset()
    assert all(knob.value == knob.default for knob in table)


def test_a_default_out_of_bounds_is_a_mistake() -> None:
    with pytest.raises(KnobError):
        Knob("pool.limit", 0, "Connections.", minimum=1)


def test_the_list_says_all_that_a_caller_needs() -> None:
    described = {entry["name"]: entry for entry in knobs().as_list()}
    assert described["pool.limit"] == {
        "name": "pool.limit",
        "kind": "integer",
        "value": 8,
        "default": 8,
        "doc": "Connections.",
        "minimum": 1,
        "maximum": 64,
    }
    assert described["reader.strategy"]["choices"] == ["pipelined", "one_by_one"]
    assert [entry["kind"] for entry in described.values()] == ["boolean", "number", "integer", "string"]
