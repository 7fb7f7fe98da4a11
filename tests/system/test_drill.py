"""A player's rounds on the live stack, through the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from lab.drills.choose import Cause, Drill, choose
from lab.drills.grading import FULL
from lab.drills.session import Session
from lab.faults import state
from lab.faults.catalogue import ROWS
from lab.place import LabError
from lab.stack import pids
from lab.stack.supervisor import Supervisor
from tests.system.harness import System

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def played(system: System) -> Iterator[System]:
    """The system under traffic, with a healthy minute behind it."""
    command = [sys.executable, "-m", "lab", "load", "--rate", "4", "--duration", "0", "--count", "100000", "--json"]
    load = subprocess.Popen(command, cwd=system.place.root, env=environment_of(system), stdout=subprocess.DEVNULL)
    try:
        system.eventually(lambda: answered(system) > 150, "a healthy minute of traffic", within=120)
        yield system
    finally:
        system.cli("drill", "give-up")
        load.send_signal(signal.SIGINT)
        load.wait(30)


def answered(system: System) -> float:
    found = system.prom.query('sum(predictions_total{service_name="gateway"})')
    return found[0].value if found else 0.0


def seed_of(fault: str, level: int = 1, release: bool = True) -> int:
    """The first seed that gives this fault at this level."""
    return next(
        seed for seed in count()
        if any(cause.fault == fault for cause in drill(seed, level).causes) and drill(seed, level).release == release
    )  # fmt: skip


def drill(seed: int, level: int) -> Drill:
    return choose(ROWS, seed, level)


def start(system: System, seed: int, level: int = 1) -> str:
    done = system.cli("drill", "start", "--level", str(level), "--seed", str(seed), "--patience", "8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def error_trace(system: System) -> str:
    """A trace in which a call of the orchestrator fails, found as a player finds it."""
    return system.eventually(
        lambda: next((row["trace_id"] for row in search(system, "--errors", "--service", "orchestrator")), ""),
        "a trace with a failing call",
        within=60,
    )


def asked(system: System, query: str) -> float:
    return sum(row["value"] for row in system.cli_json("metrics", query))


def search(system: System, *options: str) -> Any:
    return system.cli_json("traces", "--since", "1m", *options)


def test_a_full_round_look_answer_act_and_full_marks(played: System) -> None:
    """Played again, once, where nothing recovered: answers that other tests slow down are not in time."""
    recovery = play_a_round(played) or play_a_round(played)
    assert recovery > 0
    assert played.cli("drill", "brief").returncode == 1
    row = played.cli_json("drill", "history")[0]
    assert (row["state"], row["kinds"], row["marks"]) == ("answered", "bad input", FULL)
    assert "bad input" in {line["kind"] for line in played.cli_json("drill", "report")}


def play_a_round(played: System) -> float:
    """Start, look, answer, act; the marks for the recovery."""
    opened = start(played, seed_of("corrupt-photo"))
    assert "Drill" in opened
    assert not ("cv_model" in opened and "bad input" in opened)

    hidden = played.cli_json("drill", "history")[0]
    assert hidden["state"] == "running"
    assert hidden["kinds"] == ""
    evidence = error_trace(played)
    assert played.cli("trace", evidence).returncode == 0
    assert played.cli("logs", "--trace", evidence).returncode == 0
    refused = 'sum(rate(http_requests_total{service_name="cv_model",status="422"}[1m]))'
    assert played.eventually(lambda: asked(played, refused), "cv_model refuses photos in its metrics", within=60) > 0
    answer = played.cli_json(
        *("drill", "answer", "--service", "cv_model", "--operation", "decode_photo", "--kind", "bad input"),
        *("--evidence", evidence),
    )
    assert answer["marks"]["total"] == FULL, answer
    steps = [line for line in answer["solution"] if line[:1].isdigit()]
    assert [line.split(".")[1].strip() for line in steps] == ["Metric", "Trace", "Critical path", "Logs", "Cause"]
    assert f"Your own shows it, {evidence}" in steps[1]
    recovery: float = played.cli_json("drill", "act", "rollback")["recovery"]
    return recovery


def test_the_right_service_with_the_wrong_kind_and_a_trace_that_shows_nothing_has_part_marks(played: System) -> None:
    healthy = search(played, "--limit", "200")[-1]["trace_id"]
    start(played, seed_of("corrupt-photo"))
    hint = played.cli("drill", "hint")
    assert hint.returncode == 0, hint.stderr

    slip = played.cli("drill", "answer", "--service", "cv_model", "--kind", "queueing", "--evidence", "ab" * 16)
    assert (slip.returncode, "no trace abab" in slip.stderr) == (1, True)
    answer = played.cli_json("drill", "answer", "--service", "cv_model", "--kind", "queueing", "--evidence", healthy)

    marks = answer["marks"]
    assert (marks["service"], marks["kind"], marks["evidence"], marks["hints"]) == (30, 0, 0, 8)
    assert played.cli("drill", "give-up").returncode == 0


def test_nothing_has_full_marks_where_nothing_is_wrong(played: System) -> None:
    quiet = next(seed for seed in count() if not drill(seed, 5).causes)
    start(played, quiet, level=5)

    assert played.cli_json("drill", "answer", "--kind", "nothing")["marks"]["total"] == FULL
    assert played.cli("drill", "give-up").returncode == 0


def test_a_killed_lab_leaves_a_drill_that_goes_on_and_ends_cleanly(played: System) -> None:
    """The command line dies while it waits for an opening, then the keeper; another command goes on."""
    seed = str(seed_of("over-shedding"))
    command = [sys.executable, "-m", "lab", "drill", "start", "--seed", seed, "--patience", "600"]
    starting = subprocess.Popen(
        command, cwd=played.place.root, env=environment_of(played), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    played.eventually(lambda: begun(played), "the drill has begun", within=60)
    starting.kill()
    starting.wait(10)
    os.kill(pids(played.place)["keeper"], signal.SIGKILL)

    assert played.cli("drill", "brief").returncode == 0
    closed = played.cli("faults", "status")
    assert (closed.returncode, "A drill is running" in closed.stderr) == (1, True)
    assert played.cli("drill", "give-up").returncode == 0
    played.eventually(
        lambda: json.loads(played.cli("faults", "status", "--json").stdout or "[1]") == [], "no fault is on", within=60
    )
    assert played.cli_json("drill", "history")[0]["state"] == "given up"


def test_without_any_lab_a_drills_fault_ends_by_itself(played: System, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("session", "open"):
        monkeypatch.setattr(f"lab.drills.{module}.LONGEST_S", 15.0)
    session = Session(played.place)
    session.begin(Drill(1, 1, (Cause("over-shedding", "gateway"),)), "nobody")
    supervisor = Supervisor(played.place)
    try:
        played.eventually(lambda: state.on_anywhere(played.place), "the fault is on", within=10)
        supervisor.stop("services:keeper")
        played.eventually(lambda: not state.on_anywhere(played.place), "the fault has ended by itself", within=20)
    finally:
        supervisor.start("services:keeper")

    with pytest.raises(LabError, match="time is over"):
        session.current()
    assert session.history.all()[0].state == "expired"


def environment_of(system: System) -> dict[str, str]:
    return {**os.environ, **system.place.variables}


def begun(system: System) -> bool:
    path = system.place.run_dir / "drills" / "current.json"
    return path.exists() and json.loads(path.read_text())["begun"]
