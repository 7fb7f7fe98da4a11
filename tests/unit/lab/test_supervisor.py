"""A program is started again in whatever state its own crash has left it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from xmlrpc.client import Fault

import pytest
from supervisor.xmlrpc import Faults

from lab.place import LabError, Place
from lab.stack.supervisor import Supervisor


class Programs:
    """supervisord's side of stopping and starting one program, which comes back by itself where it ``rises``."""

    def __init__(self, *, running: bool, rises: bool = False) -> None:
        self.running, self.rises, self.started = running, rises, 0

    def stopProcess(self, name: str) -> None:
        if not self.running:
            raise Fault(Faults.NOT_RUNNING, f"NOT_RUNNING: {name}")
        self.running = self.rises

    def startProcess(self, name: str, wait: bool) -> None:
        if self.running:
            raise Fault(Faults.ALREADY_STARTED, f"ALREADY_STARTED: {name}")
        self.running = True
        self.started += 1


def supervisor_of(place: Place, programs: object) -> Supervisor:
    made = Supervisor(place)
    made._proxy = SimpleNamespace(supervisor=programs)  # type: ignore[assignment]
    return made


@pytest.mark.parametrize(
    ("programs", "started"),
    [(Programs(running=True), 1), (Programs(running=False), 1), (Programs(running=True, rises=True), 0)],
    ids=["runs", "has just crashed", "came back first"],
)
def test_a_program_runs_after_a_restart(tmp_path: Path, programs: Programs, started: int) -> None:
    supervisor_of(Place(tmp_path, tmp_path), programs).restart("services:cv_model")
    assert (programs.running, programs.started) == (True, started)


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    class Broken(Programs):
        def startProcess(self, name: str, wait: bool) -> None:
            raise Fault(Faults.SPAWN_ERROR, f"SPAWN_ERROR: {name}")

    with pytest.raises(LabError, match=r"could not be started again.*SPAWN_ERROR"):
        supervisor_of(Place(tmp_path, tmp_path), Broken(running=True)).restart("services:cv_model")


def test_a_supervisor_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="could not be started again"):
        Supervisor(Place(tmp_path, tmp_path)).restart("services:cv_model")
