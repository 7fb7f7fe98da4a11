"""A deadline travels with the request and only ever gets nearer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import deadlines

Seconds = st.floats(0.001, 1_000)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that stands still unless ``now.at`` is moved."""
    hand = SimpleNamespace(at=50.0)
    monkeypatch.setattr(deadlines, "time", SimpleNamespace(monotonic=lambda: hand.at))
    return hand


def test_without_a_deadline_a_call_has_its_own_timeout() -> None:
    assert deadlines.remaining() is None
    assert deadlines.within(1.5) == 1.5


def test_a_call_gets_what_the_deadline_leaves(now: SimpleNamespace) -> None:
    with deadlines.deadline(2.0):
        now.at += 1.5
        assert deadlines.within(1.0) == pytest.approx(0.5)
        assert deadlines.within(0.2) == 0.2


def test_past_the_deadline_no_call_is_begun(now: SimpleNamespace) -> None:
    with deadlines.deadline(2.0):
        now.at += 2.0
        with pytest.raises(deadlines.DeadlineExceeded):
            deadlines.within(1.0)


@given(outer=Seconds, inner=Seconds)
def test_an_inner_deadline_never_outlives_the_outer_one(outer: float, inner: float) -> None:
    with deadlines.deadline(outer):
        with deadlines.deadline(inner):
            left = deadlines.remaining()
            assert left is not None
            assert left <= min(outer, inner)
        after = deadlines.remaining()
        assert after is not None
        assert after <= outer
    assert deadlines.remaining() is None


async def _left() -> float | None:
    return deadlines.remaining()


@pytest.mark.anyio
async def test_each_request_has_a_deadline_of_its_own() -> None:
    async def request(seconds: float) -> float | None:
        with deadlines.deadline(seconds):
            await asyncio.sleep(0)
            return await asyncio.create_task(_left())

    short, long = await asyncio.gather(request(1), request(100))
    assert short is not None
    assert long is not None
    assert short <= 1 < 99 < long <= 100


@pytest.mark.anyio
async def test_a_deadline_reaches_a_worker_thread() -> None:
    with deadlines.deadline(5):
        left = await asyncio.to_thread(deadlines.remaining)
    assert left is not None
    assert 4 < left <= 5


@given(st.integers(1, 9_999_999))
def test_the_header_is_read_back_as_it_was_written(milliseconds: int) -> None:
    assert deadlines.parse(str(milliseconds)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize("header", ["", "-1", "1.5", "soon", "1e3", " 10", "99999999", "10s"])
def test_a_header_that_is_no_number_of_milliseconds_is_no_deadline(header: str) -> None:
    assert deadlines.parse(header) is None


@given(st.text(max_size=12))
def test_no_header_whatever_breaks_the_reader(header: str) -> None:
    seconds = deadlines.parse(header)
    assert seconds is None or 0 <= seconds < 10_000
