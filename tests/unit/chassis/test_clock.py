"""The clock a service believes in."""

from __future__ import annotations

import time

import pytest

from chassis.clock import Clock, rfc3339


def test_it_is_the_machines_until_it_is_set_ahead() -> None:
    clock = Clock()
    assert abs(clock.now_ns() - time.time_ns()) < 50_000_000
    clock.offset_s = 3.0
    assert 2.9e9 < clock.now_ns() - time.time_ns() < 3.1e9
    assert clock.offset_s == 3.0


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_769_851_800_125_999_999, "2026-01-31T09:30:00.125Z"),
        (1_769_851_800_999_999_999, "2026-01-31T09:30:00.999Z"),
    ],
)
def test_timestamps_are_cut_to_milliseconds_not_rounded(nanoseconds: int, text: str) -> None:
    assert rfc3339(nanoseconds) == text
