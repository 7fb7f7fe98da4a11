"""How long a newcomer waits: from `make up` to the first trace, with everything downloaded but nothing set up."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.tell import tell
from lab.place import Place


@dataclass(frozen=True)
class StartTimes:
    """Seconds. ``set_up_s`` is None where it was not measured; then the start ran in the present environment."""

    set_up_s: float | None
    first_trace_s: float

    @property
    def whole_s(self) -> float:
        return (self.set_up_s or 0.0) + self.first_trace_s


def measure_start(place: Place, folder: Path, *, set_up: bool) -> StartTimes:
    """Start ``place``'s stack as a newcomer does, without traffic; it is up afterwards. Raises CalledProcessError.

    With ``set_up`` a new virtual environment is made in ``folder`` first, from packages downloaded there beforehand,
    and the stack starts from it, with nothing compiled yet.
    """
    python = Path(sys.executable)
    set_up_s = None
    if set_up:
        tell("downloading packages (not timed)")
        wheels = _download(place.root, folder / "wheels")
        tell("setting up a new virtual environment")
        set_up_s = _timed([str(place.root / "deploy/local/setup.sh")], _offline(wheels, folder / "venv"))
        python = folder / "venv/bin/python"
    tell("starting the stack, cold")
    environment = {**os.environ, **place.variables}
    command = [str(python), "-m", "lab", "up", "--target", "local", "--traffic-rate", "0"]
    return StartTimes(set_up_s, _timed(command, environment, place.root))


def _download(root: Path, wheels: Path) -> Path:
    """Every package of the lock as a wheel; torch in the build that is installed here."""
    wheels.mkdir(parents=True, exist_ok=True)
    lock = [
        line for line in (root / "requirements.lock").read_text().splitlines() if not line.startswith(("#", "torch=="))
    ]
    (wheels / "lock.txt").write_text("\n".join([*lock, f"torch=={importlib.metadata.version('torch')}"]) + "\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(wheels),
        "-r",
        str(wheels / "lock.txt"),
    ]
    subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    return wheels


def _offline(wheels: Path, venv: Path) -> dict[str, str]:
    return {
        **os.environ,
        "FAULTLINE_VENV": str(venv),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        # Without it, pip would look into the additional places of this machine's own configuration as well.
        "PIP_CONFIG_FILE": os.devnull,
    }


def _timed(command: list[str], environment: dict[str, str], cwd: Path | None = None) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=sys.stderr, env=environment, cwd=cwd)
    return round(time.perf_counter() - began, 1)
