"""INFO lines may go with their traces; warnings, and what belongs to no trace, stay."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.clock import Clock
from chassis.logs import Event, Logs
from chassis.sampling import in_share
from chassis.settings import Settings
from chassis.telemetry import Telemetry
from tests.unit.signals import Signals

IDS = st.integers(1, 2**128 - 1)


@given(trace_id=IDS, one=st.floats(0, 1), other=st.floats(0, 1))
def test_what_a_smaller_share_keeps_a_larger_one_keeps_too(trace_id: int, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert in_share(trace_id, large) or not in_share(trace_id, small)


@given(trace_id=IDS)
def test_all_is_all_and_none_is_none(trace_id: int) -> None:
    assert in_share(trace_id, 1.0)
    assert not in_share(trace_id, 0.0)


def test_a_share_is_a_share() -> None:
    draw = random.Random(1)
    kept = sum(in_share(draw.getrandbits(128), 0.1) for _ in range(20_000))
    assert kept == pytest.approx(2_000, rel=0.1)


class Told:
    """A log of this share, and what it wrote and left out."""

    def __init__(self, share: float) -> None:
        self.events: list[Event] = []
        self.left_out = 0
        self.logs = Logs(
            "gateway", Clock(), export=self.events.append, write=lambda _: None, info_share=share, left_out=self._count
        )

    def _count(self) -> None:
        self.left_out += 1


def test_lines_follow_their_trace_and_the_rest_is_counted(telemetry: Telemetry) -> None:
    told, kept = Told(0.3), 0
    for _ in range(400):
        with telemetry.span("postprocess") as span:
            kept += in_share(span.get_span_context().trace_id, 0.3)
            told.logs.log.info("first")
            told.logs.log.info("second")
    assert len(told.events) == 2 * kept
    assert told.left_out == 2 * (400 - kept)
    assert 60 < kept < 180


def test_warnings_errors_and_lines_outside_a_trace_always_stay(telemetry: Telemetry) -> None:
    told = Told(0.0)
    told.logs.log.info("started")
    with telemetry.span("postprocess"):
        told.logs.log.warning("odd")
        told.logs.log.error("bad")
        told.logs.log.info("left out")
    assert [event.message for event in told.events] == ["started", "odd", "bad"]
    assert told.left_out == 1


def test_an_unrecorded_trace_s_lines_go_first_and_only_where_any_go(telemetry: Telemetry) -> None:
    telemetry.knobs.set("traces.sampled", 0.0)
    for share, expected in ((0.999, 0), (1.0, 1)):
        told = Told(share)
        with telemetry.span("postprocess"):
            told.logs.log.info("done")
        assert len(told.events) == expected


def test_the_setting_reaches_the_log_and_its_metric(settings: Settings) -> None:
    telemetry = Telemetry("gateway", settings.model_copy(update={"info_logs": 0.0}))
    with telemetry.span("postprocess"):
        telemetry.log.info("left out")
        telemetry.log.warning("kept")
    assert [event.message for event in Signals(telemetry).logs()] == ["kept"]
    assert Signals(telemetry).metric("log_lines_left_out_total") == 1
