"""The users' days: events before predictions, outcomes after, shifts that change live, a clock that runs fast."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from lab.place import Place
from lab.traffic.bodies import Bodies
from lab.traffic.days import Days
from lab.traffic.generator import arrivals
from lab.traffic.market_time import MarketTime
from lab.traffic.outbox import Outbox
from lab.traffic.shifts import WantedShifts, shifts_file, write_shifts
from marketplace.world import Shifts
from tests.conftest import ROOT

pytestmark = pytest.mark.anyio


class Gateway:
    """Answers in the order it is told, 200 once that runs out; an exception is raised."""

    def __init__(self, *answers: int | OSError) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, list[Any]]]()

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        (items,) = orjson.loads(body).values()
        self.asked.append((path, items))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, OSError):
            raise answer
        return answer, b"{}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(ROOT, tmp_path)


@pytest.fixture
def days(place: Place) -> Days:
    wanted = WantedShifts(shifts_file(place))
    return Days(1, MarketTime(1440), Bodies(1, pool=2), wanted, label_share=1.0, tell=lambda _: None)


async def delivered(box: Outbox, gateway: Gateway, now: float) -> None:
    await box.deliver(gateway, now)  # type: ignore[arg-type]


async def test_an_outbox_sends_what_is_due_in_order_and_in_batches() -> None:
    box, gateway = Outbox("/v1/outcomes", "outcomes", limit=500), Gateway()
    for number in reversed(range(250)):
        box.put(float(number), {"n": number})
    await delivered(box, gateway, now=204.5)
    assert [len(items) for _, items in gateway.asked] == [100, 100, 5]
    assert [item["n"] for _, items in gateway.asked for item in items] == list(range(205))
    assert len(box) == 45


@pytest.mark.parametrize("trouble", [503, 429, ConnectionRefusedError(), TimeoutError()])
async def test_what_cannot_be_taken_now_is_sent_again_later(trouble: int | OSError) -> None:
    box, gateway = Outbox("/v1/events", "events", limit=10), Gateway(trouble)
    box.put(0.0, {"n": 1})
    await delivered(box, gateway, now=1.0)
    await delivered(box, gateway, now=2.0)
    assert len(gateway.asked) == 1
    await delivered(box, gateway, now=7.0)
    assert (box.counts["retried"], box.counts["sent"], len(box)) == (1, 1, 0)


async def test_what_is_refused_for_good_is_counted_and_dropped() -> None:
    box, gateway = Outbox("/v1/outcomes", "outcomes", limit=10), Gateway(410)
    box.put(0.0, {"n": 1})
    await delivered(box, gateway, now=1.0)
    assert (box.counts["refused_410"], len(box)) == (1, 0)


def test_a_full_box_loses_what_comes_and_counts_it() -> None:
    box = Outbox("/", "x", limit=2)
    for _ in range(3):
        box.put(0.0, {})
    assert (len(box), box.counts["lost"]) == (2, 1)


async def test_a_session_s_event_is_told_and_its_outcome_much_later(days: Days) -> None:
    visit = days.bodies.draw()
    days.begins(visit)
    days.answered(visit, {"prediction_id": "ab"})
    gateway, now = Gateway(), time.time()
    await days.events.deliver(gateway, now + 1)  # type: ignore[arg-type]
    await days.outcomes.deliver(gateway, now + 0.5)  # type: ignore[arg-type]
    ((path, (event,)),) = gateway.asked
    assert (path, event["user_id"]) == ("/v1/events", visit.user_id)
    assert set(event) == {"event_id", "user_id", "session_duration", "items_viewed", "saved", "occurred_at"}
    await days.outcomes.deliver(gateway, now + 86_400)  # type: ignore[arg-type]
    assert gateway.asked[-1][1][0]["prediction_id"] == "ab"


def test_the_same_sessions_after_a_restart_are_other_events(place: Place) -> None:
    both = []
    for _ in range(2):
        wanted = WantedShifts(shifts_file(place))
        each = Days(1, MarketTime(), Bodies(1, pool=1), wanted, label_share=0, tell=lambda _: None)
        each.begins(each.bodies.draw())
        both.append(each.events._heap[0][2]["event_id"])
    assert both[0] != both[1]


def test_a_share_of_predictions_is_labelled(place: Place) -> None:
    each = Days(
        1, MarketTime(), Bodies(1, pool=1), WantedShifts(shifts_file(place)), label_share=0.1, tell=lambda _: None
    )
    visit = each.bodies.draw()
    for _ in range(2_000):
        each.answered(visit, {"prediction_id": "ab"})
    assert 140 < len(each.outcomes) < 260


def test_shifts_are_followed_and_end_by_themselves(place: Place) -> None:
    wanted = WantedShifts(shifts_file(place))
    assert wanted.now() == Shifts()
    write_shifts(place, Shifts(session_duration=3.0), until=time.time() + 60)
    assert wanted.now() == Shifts(session_duration=3.0)
    write_shifts(place, Shifts(session_duration=3.0), until=time.time() - 1)
    assert wanted.now() == Shifts()
    write_shifts(place, Shifts(label_delay=8.0))
    assert wanted.now().label_delay == 8.0


@pytest.mark.parametrize("text", ["{", "[]", '{"until": 0, "shifts": {"mood": 1}}', json.dumps({"shifts": {}})])
def test_a_file_that_cannot_be_read_shifts_nothing_and_says_so(place: Place, text: str) -> None:
    shifts_file(place).parent.mkdir(parents=True)
    shifts_file(place).write_text(text)
    wanted = WantedShifts(shifts_file(place))
    assert wanted.now() == Shifts()
    assert "cannot be read" in wanted.problem


async def test_a_shift_moves_the_sessions_that_follow(days: Days, place: Place) -> None:
    visit = days.bodies.draw()
    usual = days.bodies.world.user(visit.user_id).session_duration
    write_shifts(place, Shifts(session_duration=4.0))
    await days._follow()
    days.begins(visit)
    assert days.events._heap[0][2]["session_duration"] > 3 * usual


def test_a_fast_clock_shortens_delays_and_has_evenings() -> None:
    market = MarketTime(1440)
    assert market.ours(timedelta(days=1)) == 60
    hours = {market.at(now).hour for now in range(60)}
    assert hours == set(range(24))
    rhythm = [market.rhythm(now) for now in range(7 * 60)]
    assert sum(rhythm) / len(rhythm) == pytest.approx(1, abs=0.05)
    assert max(rhythm) <= market.busiest
    assert {MarketTime().rhythm(now) for now in range(0, 86_400, 3_600)} == {1.0}


def test_arrivals_follow_a_rhythm_by_thinning() -> None:
    visits = arrivals(50, 1, lambda offset: 2.0 if offset % 2 < 1 else 0.5, highest=2.0)
    taken = [next(visits) for _ in range(8_000)]
    busy = sum(offset % 2 < 1 for offset in taken) / len(taken)
    assert busy == pytest.approx(0.8, abs=0.02)
    assert len(taken) / taken[-1] == pytest.approx(50 * 1.25, rel=0.05)
