"""What may become a label: the most frequent values, and never more of them than were promised."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.topk import OTHER, TopK


def test_few_values_keep_their_names_from_the_first_on() -> None:
    segments = TopK(3)
    assert [segments.label(value) for value in ("a", "b", "a", "c", "b")] == ["a", "b", "a", "c", "b"]


def test_one_value_too_many_is_other() -> None:
    segments = TopK(2)
    assert [segments.label(value) for value in ("a", "b", "c", "a", "c")] == ["a", "b", OTHER, "a", OTHER]


def test_the_frequent_take_the_places_of_those_that_only_came_first() -> None:
    draw, named = random.Random(3), TopK(3)
    for number in range(3):
        named.label(f"early-{number}")
    frequent = ("x", "y", "z")
    for number in range(4_000):
        named.label(draw.choice(frequent) if number % 2 else f"once-{number}")
    assert [named.label(value) for value in frequent] == list(frequent)
    assert named.label("early-0") == OTHER


@given(values=st.lists(st.text(max_size=3), max_size=300), k=st.integers(1, 4))
def test_a_label_is_the_value_or_other_and_its_values_are_bounded(values: list[str], k: int) -> None:
    named = TopK(k)
    labels = [named.label(value) for value in values]
    assert all(label in (value, OTHER) for label, value in zip(labels, values, strict=True))
    assert len(set(labels) - {OTHER}) <= 2 * k


def test_whatever_comes_for_however_long_the_names_ever_given_are_bounded() -> None:
    draw, named, seen = random.Random(5), TopK(4, lifetime=6), set()
    for age in range(10):  # each age has favourites of its own
        for _ in range(1_500):
            seen.add(named.label(f"{age}-{int(draw.paretovariate(1))}"))
    assert len(seen - {OTHER}) <= 6
    assert len(named._counts) <= 40


def test_no_names_are_no_bound() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TopK(0)
