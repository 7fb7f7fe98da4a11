"""What a command does to its alerts is told by what fires after it, not by the command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bench import treating
from bench.treating import Bed, acted
from bench.treatments import Treatment
from lab.faults import asking
from lab.faults.asking import Ask
from lab.place import Place

CLEAR = Treatment("cv-canary", "cv_model", "faultline faults clear", ("A", "B"), ends=True)
CANARY = Treatment("cv-canary", "cv_model", "faultline canary cv_model 0", ("A", "B"), ends=False)
Script = list[set[str]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(treating, "POLL_S", 0.01)
    monkeypatch.setattr(treating, "QUIET_S", 0.05)
    monkeypatch.setattr(treating, "RESOLVES_S", 1.0)


class Scripted(Bed):
    """What fires is a script, whose last line holds on; a command is a line of Python."""

    script: Script
    line: str = "pass"

    def firing(self) -> set[str]:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def faultline(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", self.line], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


@pytest.fixture
def bed(tmp_path: Path) -> Callable[[Script], Scripted]:
    def made(script: Script) -> Scripted:
        made = Scripted(Place(tmp_path, tmp_path / "run", 0), httpx.Client())
        made.script = script
        return made

    return made


def test_an_alert_is_gone_when_it_stays_away(bed: Callable[[Script], Scripted]) -> None:
    gone, said = acted(bed([{"A", "B"}, {"B"}, {"A", "B"}, {"B"}, set()]), CLEAR, {"A", "B"})
    assert gone.keys() == {"A", "B"}
    assert said == ""


def test_what_fires_on_is_not_gone(bed: Callable[[Script], Scripted]) -> None:
    gone, _ = acted(bed([{"A", "B"}, {"B"}]), CLEAR, {"A", "B"})
    assert gone.keys() == {"A"}


def test_a_command_that_fails_says_so(bed: Callable[[Script], Scripted]) -> None:
    stack = bed([set()])
    stack.line = "raise SystemExit('no such thing')"
    assert acted(stack, CLEAR, {"A"})[1] == "exit code 1: no such thing"


def test_what_does_not_end_the_fault_has_to_help_while_it_is_on(bed: Callable[[Script], Scripted]) -> None:
    stack = bed([set()])
    assert acted(stack, CANARY, {"A"})[1] == "the fault had ended by itself"
    asking.order(stack.place, Ask("cv-canary"))
    assert acted(stack, CANARY, {"A"})[1] == ""


def test_where_nothing_fired_nothing_is_run(bed: Callable[[Script], Scripted]) -> None:
    stack = bed([set()])
    stack.line = "raise SystemExit('was run')"
    assert acted(stack, CLEAR, set()) == ({}, "")
