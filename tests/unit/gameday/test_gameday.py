"""A game day's file is checked, its answers are marked, its report says what is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.drills.grading import Answer
from lab.gameday.board import Said, report, scoreboard
from lab.gameday.day import Day
from lab.gameday.script import parse, read
from lab.place import LabError, Place

DAY = {
    "title": "Friday",
    "players": ["ana", "ben"],
    "faults": [
        {"at": 300, "fault": "over-shedding", "for": 60},
        {"at": 10, "fault": "redis-far", "place": "feature_store", "intensity": 0.5, "for": 120},
    ],
}
FAR = Answer("feature_store", "Redis", "network latency")
SHED = Answer("gateway", "admission", "rate limit")


def test_faults_come_in_the_order_of_their_times() -> None:
    script = parse(DAY)

    assert [step.fault for step in script.steps] == ["redis-far", "over-shedding"]
    assert script.seconds == 360


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"players": ["a", "a"]}, "name of their own"),
        ({"faults": [{"at": 1, "fault": "nonsense"}]}, "no fault 'nonsense'"),
        ({"faults": [{"at": 1, "fault": "redis-far", "place": "gateway"}]}, "not at gateway"),
        ({"faults": [{"at": 1, "fault": "redis-far", "how": 2}]}, "how is not known"),
        ({"faults": [{"at": "soon", "fault": "redis-far"}]}, "soon"),
        ({"faults": [{"at": -1, "fault": "redis-far"}]}, "after the start"),
        ({"faults": [{"at": float("nan"), "fault": "redis-far"}]}, "after the start"),
        ({"faults": [{"at": float("inf"), "fault": "redis-far"}]}, "after the start"),
        ({"faults": None}, "faults is missing"),
    ],
)
def test_mistakes_are_told(change: dict[str, object], said: str) -> None:
    with pytest.raises(LabError, match=said):
        parse({**DAY, **change})


@pytest.mark.parametrize("content", [b"players: [", b"\xff\xfe", b"[]"])
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "friday.yaml"
    path.write_bytes(content)
    with pytest.raises(LabError, match=r"cannot be read|no game day"):
        read(path)


def test_players_are_ranked_by_marks_and_their_first_answer_counts() -> None:
    answers = [Said("ben", 40, FAR), Said("ana", 50, SHED), Said("ana", 60, FAR), Said("ana", 330, SHED)]

    assert scoreboard(parse(DAY), answers) == [("ana", 80.0, 2), ("ben", 80.0, 1)]
    assert scoreboard(parse(DAY), answers[:2]) == [("ben", 80.0, 1), ("ana", 0.0, 1)]


def test_the_report_has_the_timeline_the_scores_and_room_for_the_rest() -> None:
    told = report(parse(DAY), 0.0, [Said("ben", 40, FAR)], "ended as planned")

    assert "00:00:10 redis-far began at feature_store" in told
    assert "00:00:40 ben said network latency in feature_store" in told
    assert "| ben | 80 | 1 |" in told
    assert "To be filled in" in told


def test_only_the_instructor_pauses_and_only_players_answer(tmp_path: Path) -> None:
    day = Day(Place(tmp_path, tmp_path / "run"))
    token = day.begin(DAY)

    with pytest.raises(LabError, match="instructor"):
        day.command("pause", "guess")
    day.command("pause", token)
    stood = day.clock().now()
    with day._lease():
        day.answer("ana", FAR)
        with pytest.raises(LabError, match="does not play"):
            day.answer("eve", FAR)

    assert day.clock().now() == stood
    assert [said.player for said in day.answers()] == ["ana"]
    assert all("redis-far" not in path.read_text() for path in day.folder.iterdir())


def test_an_aborted_day_ends_with_a_report(tmp_path: Path) -> None:
    day = Day(Place(tmp_path, tmp_path / "run"))
    token = day.begin({**DAY, "faults": [{"at": 500, "fault": "redis-far"}]})
    day.command("abort", token)

    path = day.run(day.script(), print)

    assert "aborted by the instructor" in Path(path).read_text()
    with pytest.raises(LabError, match="No game day is being played"):
        day.answer("ana", FAR)  # the report has told the answers
