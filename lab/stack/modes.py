"""The three ways to run behind one face: what this machine can do, and what is up here."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import lab.stack as local
from lab.place import LabError, Place
from lab.stack import compose, k8s
from lab.stack.options import Options
from lab.stack.progress import Progress
from lab.stack.run import read_run
from lab.stack.status import ProgramStatus


class Target(StrEnum):
    """Where the stack runs; auto is decided by ``choose``."""

    AUTO = "auto"
    LOCAL = "local"
    COMPOSE = "compose"
    K8S = "k8s"


class Mode(Protocol):
    """What can be done with a stack, wherever it runs; all of it raises LabError where a tool is missing."""

    READY_TIMEOUT_S: float

    def up(
        self, place: Place, options: Options | None = ..., progress: Progress | None = ..., timeout_s: float = ...
    ) -> bool:
        """Start it and wait until it is ready; False if it was."""

    def down(self, place: Place, progress: Progress | None = ...) -> bool:
        """Stop what ``up`` started; False if nothing ran."""

    def reset(self, place: Place, progress: Progress | None = ...) -> None:
        """Stop it, and wipe its data; keys stay."""

    def status(self, place: Place) -> list[ProgramStatus]:
        """Every program; an empty list where none runs."""


MODES: dict[Target, Mode] = {Target.LOCAL: local, Target.COMPOSE: compose, Target.K8S: k8s}


def recorded(place: Place) -> Target:
    """The mode of the last start here; local where there is none."""
    run = read_run(place)
    return Target(run.mode) if run else Target.LOCAL


def of(place: Place) -> Mode:
    return MODES[recorded(place)]


def choose(place: Place, wanted: Target) -> tuple[Target, str]:
    """The mode to start, and why that one. Raises LabError where another one is up here."""
    here = recorded(place)
    runs = _runs(place, here)
    if runs and wanted in (Target.AUTO, here):
        return here, "it is up here already"
    if runs:
        raise LabError(f"The stack is up here as {here.value}.", "`faultline down` stops it; then start the other.")
    if wanted is not Target.AUTO:
        return wanted, "as you said"
    obstacle = compose.obstacle(place)
    if obstacle:
        return Target.LOCAL, f"processes on this machine, for {obstacle}"
    return Target.COMPOSE, "an engine with Compose v2 answers, and its images can be had"


def _runs(place: Place, mode: Target) -> bool:
    """Whether anything of that mode is up here. Where its tool is gone, or its engine, nothing is."""
    try:
        return bool(MODES[mode].status(place))
    except LabError:
        return False
