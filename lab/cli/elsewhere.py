"""Commands that run where the stack runs: in the lab's container, for its addresses are known there alone."""

from __future__ import annotations

from collections.abc import Sequence

from lab.place import LabError, Place
from lab.stack import compose, k8s, modes
from lab.stack.modes import Target

# What starts, stops and looks after containers has its place on the host.
ON_THE_HOST = frozenset({"up", "down", "status", "reset", "doctor", "grafana", "workshop", "console", "serve"})
_RUN = {Target.COMPOSE: compose.run_inside, Target.K8S: k8s.run_inside}


def belongs_here(arguments: Sequence[str]) -> bool:
    """Whether a command has its place on this machine in every mode, as help has."""
    return not arguments or arguments[0].startswith("-") or arguments[0] in ON_THE_HOST or "--help" in arguments


def run_elsewhere(place: Place, arguments: Sequence[str]) -> int | None:
    """The exit code of a command that was run in the lab's container; None where the stack is a local one.

    Raises LabError where the stack is recorded as containers and there are none any more.
    """
    mode = modes.recorded(place)
    if mode not in _RUN:
        return None
    if not modes.of(place).status(place):
        raise LabError(f"Nothing is running as {mode.value}.", f"`faultline up --target {mode.value}` starts it.")
    return _RUN[mode](place, arguments)
