"""Changes that are visible and harm nobody: an honest look sees them and does not blame them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

from lab.clients.control import Control
from lab.place import LabError, Place
from lab.stack.supervisor import Supervisor

DECOYS = ("release", "restart", "burst")
_KNOB, _MORE = "canary.nlp_model", 20.0
_BURST_RATE, _BURST_S = 4.0, 45.0
_EXPORTER = "backends:redis_exporter"


def usual(place: Place, decoy: str) -> float:
    """What ``put_back`` will need: the users' share on v2 as it is. Raises LabError where the orchestrator is away."""
    return float(Control.of(place, "orchestrator").knobs()[_KNOB]) if decoy == "release" else 0.0


def play(place: Place, decoy: str, usual_share: float) -> None:
    """Do one of them: more users on a good v2, a restart that no request waits for, a busy minute.

    Raises LabError where the stack does not let it.
    """
    if decoy == "release":
        _share(place, min(usual_share + _MORE, 100.0))
    elif decoy == "restart":
        if not place.inside:  # a container's supervisor is not ours; nothing happens there, which harms nobody either
            Supervisor(place).restart(_EXPORTER)
    elif decoy == "burst":
        _burst()


def put_back(place: Place, decoy: str, usual_share: float) -> None:
    """Undo what stays; a burst ends by itself."""
    if decoy == "release":
        with suppress(LabError):  # an orchestrator that is away begins with the usual share when it comes back
            _share(place, usual_share)


def _share(place: Place, share: float) -> None:
    Control.of(place, "orchestrator").set_knob(_KNOB, share)


def _burst() -> None:
    """Traffic of its own beside the usual, bounded in rate and time, whoever is killed meanwhile."""
    command = [sys.executable, "-m", "lab", "load", "--rate", f"{_BURST_RATE:g}", "--duration", f"{_BURST_S:g}"]
    quiet = subprocess.DEVNULL
    subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
