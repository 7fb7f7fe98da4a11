"""While somebody plays, the lab's own commands and files say the same whatever is hidden."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import build_app
from lab.drills import baseline, play
from lab.drills.choose import Cause, Drill
from lab.drills.open import LONGEST_S, Closed, ensure_open
from lab.drills.session import Session
from lab.faults import asking, audit, wanted
from lab.faults.catalogue import ROWS
from lab.faults.journal import Journal
from lab.faults.row import ServiceEffect, SharedEffect
from lab.gameday.day import Day
from lab.place import LabError, Place
from tests.unit.diagnosis.traces import predictions, window

# Seed and level are the same, so that nothing but the hidden cause differs.
LOUD = (Cause("redis-down", "feature_store"),)
SILENT = (Cause("feature-drift", "traffic", 0.8),)
TWO = (Cause("crash-loop", "cv_model"), Cause("label-explosion", "gateway"))
DECOY = "release"
HIDDEN = (LOUD, SILENT, TWO, ())
COMMANDS = (
    "faults list", "faults list --json", "faults describe leak", "faults status", "faults status --json",
    "faults inject leak", "faults clear", "faults clear redis-down", "faults clear feature-drift", "faults audit",
    "faults audit --json", "drill brief", "drill brief --json", "drill names", "drill names --json", "drill history",
    "drill history --json", "drill report", "drill report --json", "status", "status --json", "gameday board",
    "gameday board --json", "gameday answers", "campaign --only leak",
)  # fmt: skip
_TIMES = re.compile(r"\d+\.\d+|\b[0-9a-f]{8}\b")


@pytest.fixture(autouse=True)
def _no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoy turns a knob of a service, and none runs here."""
    monkeypatch.setattr("lab.drills.decoys.usual", lambda *_: 20.0)
    monkeypatch.setattr("lab.drills.decoys._share", lambda *_: None)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "run")


def hide(place: Place, causes: tuple[Cause, ...]) -> Session:
    """A drill that runs, with what a keeper would have done and noted by now."""
    session = Session(place)
    current = session.begin(Drill(7, 1, causes, decoy="" if causes else DECOY), "ana")
    current.opening = "Alert X: something burns"  # telemetry: it is masked
    session.save(current)
    journal = Journal(place)
    for row in wanted.read(place):
        for number, effect in enumerate(ROWS[row.fault].effects):
            if isinstance(effect, ServiceEffect):
                audit.note(place, "begun", service=effect.service, order={"key": row.key, "kind": effect.kind})
            elif isinstance(effect, SharedEffect) and effect.kind != "crawler":
                journal.keep(f"{row.key}-{number}", row, effect)
    return session


def said(place: Place, command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and words of a command, times and random ids masked."""
    monkeypatch.setenv("FAULTLINE_RUN_DIR", str(place.run_dir))
    monkeypatch.setenv("FAULTLINE_PORT_OFFSET", "47000")
    result = CliRunner().invoke(build_app(), command.split())
    words = result.output if not isinstance(result.exception, LabError) else str(result.exception)
    return result.exit_code, _TIMES.sub("*", words).replace(str(place.run_dir), "RUN")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_the_same_of_every_hidden_cause(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = set()
    for number, causes in enumerate(HIDDEN):
        place = Place(tmp_path, tmp_path / f"run-{number}")
        hide(place, causes)
        monkeypatch.setattr("lab.cli.drill.require_up", lambda _: None)
        monkeypatch.setattr("lab.cli.faults.require_up", lambda _: None)
        heard.add(said(place, command, monkeypatch))
    assert len(heard) == 1, heard


def test_the_board_is_closed_with_a_reason_until_the_drill_ends(place: Place) -> None:
    session = hide(place, LOUD)
    with pytest.raises(Closed, match="A drill is running"):
        ensure_open(place)
    session.close(session.current(), "given up")
    ensure_open(place)
    assert wanted.read(place) == []
    assert {"asked", "begun", "cleared"} <= {line["action"] for line in audit.entries(place)}


@pytest.mark.parametrize("causes", [LOUD, SILENT, TWO])
def test_no_file_and_no_files_name_tells_a_cause(place: Place, causes: tuple[Cause, ...]) -> None:
    hide(place, causes)
    words = {word for cause in causes for word in (cause.fault, *cause.truth.services, *cause.truth.kinds)}
    words |= {effect.kind for cause in causes for effect in ROWS[cause.fault].effects}
    for path in files(place.run_dir):
        text = f"{path.relative_to(place.run_dir)} {path.read_bytes().decode(errors='replace')}"
        assert not [word for word in words - {"traffic"} if word in text], path
        assert "session_duration" not in text


def files(folder: Path) -> Iterator[Path]:
    return (Path(root) / name for root, _, names in os.walk(folder) for name in names)


def test_a_drill_whose_time_is_over_closes_nothing(place: Place) -> None:
    session = hide(place, LOUD)
    current = session.current()
    current.started = time.time() - LONGEST_S - 1
    session.save(current)
    ensure_open(place)
    with pytest.raises(LabError, match="time is over"):
        session.current()
    assert [row.state for row in session.history.all()] == ["expired"]


def test_a_drill_that_was_killed_while_it_began_is_closed_and_leaves_nothing_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    session = Session(place)
    monkeypatch.setattr(Session, "_inject", killed)
    with pytest.raises(KeyboardInterrupt):
        session.begin(Drill(7, 1, LOUD), "ana")
    with pytest.raises(LabError, match="just beginning"):
        session.current()

    document = json.loads((session.folder / "current.json").read_text())
    (session.folder / "current.json").write_text(json.dumps(document | {"started": time.time() - 60}))
    with pytest.raises(LabError, match="cut off"):
        session.current()
    assert wanted.read(place) == []
    assert [row.state for row in session.history.all()] == ["broken off"]


def test_a_drill_killed_after_its_faults_were_asked_for_goes_on(place: Place) -> None:
    hide(place, TWO)
    again = Session(place)  # another process
    assert [cause.fault for cause in again.secret(again.current()).causes] == ["crash-loop", "label-explosion"]
    again.close(again.current(), "given up")
    assert wanted.read(place) == []


def test_a_reset_forgets_drill_and_faults(place: Place) -> None:
    session = hide(place, TWO)
    baseline.forget(place)
    baseline.forget(place)  # nothing is left to forget
    assert wanted.read(place) == []
    assert [row.state for row in session.history.all()] == ["broken off"]
    ensure_open(place)


@pytest.mark.parametrize("causes", HIDDEN)
def test_the_hint_with_a_query_looks_at_the_system_whatever_is_hidden(
    place: Place, causes: tuple[Cause, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quicker hint would tell that nothing is wrong; the others need no look, whatever is hidden."""
    looked: list[int] = []
    monkeypatch.setattr(play, "_window", lambda _, current, __: looked.append(current.hints) or window(predictions(1)))
    hide(place, causes)
    assert [play.hint(place).number for _ in range(5)] == [1, 2, 3, 4, 4]
    assert looked == [1]


@pytest.mark.parametrize("drill", [Drill(7, 5, (Cause("redis-far", "nowhere"),)), Drill(7, 5, (), decoy=DECOY)])
@pytest.mark.parametrize("broken", ["usual", "_share"])
def test_a_drill_that_cannot_begin_says_no_more_of_a_decoy_than_of_a_fault(
    place: Place, drill: Drill, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise LabError("The control port of the orchestrator does not answer.")

    monkeypatch.setattr(f"lab.drills.decoys.{broken}", away if drill.decoy else lambda *_: 0.0)
    with pytest.raises(LabError) as caught:
        Session(place).begin(drill, "ana")
    assert str(caught.value) == "This drill cannot begin now."
    assert caught.value.__cause__ is None
    Session(place).ensure_free()


def test_no_drill_begins_beside_a_fault_a_drill_or_a_game_day(place: Place) -> None:
    made = asking.order(place, asking.Ask("redis-far"))
    session = Session(place)
    with pytest.raises(LabError, match="A fault is on already"):
        session.begin(Drill(7, 1, LOUD), "ana")
    asking.clear(place, made.key)
    session.begin(Drill(7, 1, LOUD), "ana")
    with pytest.raises(LabError, match="A drill is running already"):
        session.begin(Drill(8, 1, SILENT), "ben")
    with pytest.raises(Closed):
        Day(place).begin({"players": [], "faults": []})


def test_of_two_drills_started_at_once_one_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def usual(*_: object) -> float:
        """Holds who found the lab free until the other one has found it so, too, where it can."""
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        return 0.0

    monkeypatch.setattr("lab.drills.decoys.usual", usual)
    sessions = [Session(place), Session(place)]
    with ThreadPoolExecutor(2) as pool:
        starts = [pool.submit(each.begin, Drill(7, 1, LOUD), "ana") for each in sessions]
    assert sorted(str(start.exception()) for start in starts) == ["A drill is running already.", "None"]
    assert [row.fault for row in wanted.read(place)] == ["redis-down"]
    assert [row.state for row in sessions[0].history.all()] == ["running"]


def test_a_game_day_closes_the_board_while_its_runner_lives(place: Place) -> None:
    day = Day(place)
    day.begin({"title": "x", "players": ["ana"], "faults": [{"at": 1, "fault": "leak"}]})
    ensure_open(place)
    with day._lease(), pytest.raises(Closed, match="game day"):
        ensure_open(place)
    ensure_open(place)
