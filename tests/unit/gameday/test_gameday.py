"""A game day's file is checked, its answers are marked, its report says what is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.drills.grading import Answer
from lab.faults import asking, wanted
from lab.gameday.board import Said, scoreboard
from lab.gameday.day import Day
from lab.gameday.report import Log, report
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
        ({"players": ["a", {"b": "c"}]}, "name of their own"),
        ({"players": []}, "name of their own"),
        ({"title": ["x"]}, "title is no text"),
        ({"faults": []}, "no fault comes"),
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


def test_the_report_has_what_is_known_and_room_for_the_rest() -> None:
    """By the clock on the wall: a pause moves what comes after it; what never came is in no line."""
    script = parse(DAY)
    far = script.steps[0]
    log = Log({far: 15.0}, {far: 135.0}, [(5.0, "paused"), (10.0, "resumed")])
    answers = [Said("ana", 20, SHED, 25.0), Said("ben", 40, FAR, 45.0)]
    told = report(script, 0.0, log, answers, {"LatencyBudgetBurns": 60.0}, "aborted by the instructor")

    assert "| redis-far | network latency | feature_store | 00:00:15 | 00:02:15 | ben, after 30 s |" in told
    timeline = [line[2:] for line in told.splitlines() if line.startswith("- 00:")]
    assert timeline == [
        "00:01:00 LatencyBudgetBurns",
        "00:00:05 paused",
        "00:00:10 resumed",
        "00:00:15 redis-far began at feature_store",
        "00:00:25 ana said rate limit in gateway, admission",
        "00:00:45 ben said network latency in feature_store, Redis",
        "00:02:15 redis-far ended",
    ]
    assert "| ben | 80 | 1 |" in told
    assert "To be filled in" in told
    assert "over-shedding" not in told


def test_only_the_instructor_pauses_and_only_players_answer(tmp_path: Path) -> None:
    day = Day(Place(tmp_path, tmp_path / "run"))
    token = day.begin(DAY)

    with pytest.raises(LabError, match="instructor"):
        day.command("pause", "guess")
    with pytest.raises(LabError, match="No game day is being played"):
        day.command("pause", token)
    with day._lease():
        with pytest.raises(LabError, match="not paused"):
            day.command("resume", token)
        day.command("pause", token)
        with pytest.raises(LabError, match="paused already"):
            day.command("pause", token)
        stood = day.clock().now()
        day.answer("ana", FAR)
        with pytest.raises(LabError, match="does not play"):
            day.answer("eve", FAR)
        with pytest.raises(LabError, match="kind 'netwrk'"):
            day.answer("ana", Answer("gateway", "", "netwrk"))

    assert day.clock().now() == stood
    assert [said.player for said in day.answers()] == ["ana"]
    assert all(word not in path.read_text() for path in day.folder.iterdir() for word in ("redis-far", "network"))


def test_an_aborted_day_ends_with_a_report(tmp_path: Path) -> None:
    day = Day(Place(tmp_path, tmp_path / "run"))
    token = day.begin({**DAY, "faults": [{"at": 500, "fault": "redis-far"}]})
    with day._lease():
        day.command("abort", token)

    path = day.run(day.script(), print)

    assert "aborted by the instructor" in Path(path).read_text()
    with pytest.raises(LabError, match="No game day is being played"):
        day.answer("ana", FAR)  # the report has told the answers


def test_a_fault_that_cannot_be_had_spoils_no_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, tmp_path / "run", offset=47_000)
    asking.order(place, asking.Ask("redis-far", seconds=60))
    day = Day(place)
    day.begin({**DAY, "faults": [{"at": 0, "fault": name, "for": 2} for name in ("redis-far", "over-shedding")]})
    monkeypatch.setattr("lab.gameday.day._POLL_S", 0.1)

    told = Path(day.run(day.script(), print)).read_text()

    assert "redis-far did not begin: redis-far is on already at feature_store." in told
    assert "| over-shedding | rate limit | gateway |" in told
    assert "Prometheus could not be asked" in told
    assert [row.fault for row in wanted.read(place)] == ["redis-far"]


def test_who_breaks_a_day_off_has_a_report_and_no_fault_left(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "run", offset=47_000)
    day = Day(place)
    day.begin({**DAY, "faults": [{"at": 0, "fault": "over-shedding", "for": 600}]})

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    assert "broken off" in Path(day.run(day.script(), interrupt)).read_text()
    assert wanted.read(place) == []
