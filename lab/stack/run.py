"""The record of one run, and finding its processes again even when supervisord is gone.

Every process of a run inherits ``FAULTLINE_RUN_ID``, a random value of that run. A process is ours if, and only if,
its environment holds our run's value; process ids are reused and command lines can look alike, this cannot.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict, dataclass, fields

import psutil

from lab import atomic
from lab.place import Place
from lab.stack.options import Options

RUN_ID = "FAULTLINE_RUN_ID"
_TERM_GRACE_S = 12.0


@dataclass(frozen=True)
class Run:
    """What was started: the run's id, when (Unix seconds), with which choices and port offset, and in which mode."""

    run_id: str
    started: float
    telemetry: bool = True
    traffic_rate: float = 5.0
    seed: int = 1
    offset: int = 0
    time_scale: float = Options.time_scale
    mode: str = "local"

    @property
    def options(self) -> Options:
        """What the same start again would be told."""
        return Options(self.telemetry, self.traffic_rate, self.seed, self.time_scale)


def new_run(place: Place, options: Options, mode: str = "local") -> Run:
    chosen = (options.telemetry, options.traffic_rate, options.seed, place.offset, options.time_scale)
    return Run(secrets.token_hex(16), time.time(), *chosen, mode)


def write_run(place: Place, run: Run) -> None:
    place.run_dir.mkdir(parents=True, exist_ok=True)
    atomic.write(place.state_file, json.dumps(asdict(run)))


def read_run(place: Place) -> Run | None:
    """The record of the last start, or None where there is none."""
    if not place.state_file.exists():
        return None
    recorded = json.loads(place.state_file.read_text())
    # A record of another version of this file may know more, or less, than this one.
    return Run(**{each.name: recorded[each.name] for each in fields(Run) if each.name in recorded})


def forget_run(place: Place) -> None:
    """For modes that leave nothing behind when they end."""
    place.state_file.unlink(missing_ok=True)


def processes_of(run: Run) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _run_id(process) == run.run_id]


def end_processes(processes: list[psutil.Process]) -> None:
    """SIGTERM, then SIGKILL for what has not ended in time."""
    for process in processes:
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(processes, timeout=_TERM_GRACE_S)
    for process in alive:
        _signal(process, kill=True)
    psutil.wait_procs(alive, timeout=_TERM_GRACE_S)


def _run_id(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(RUN_ID)
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return None  # gone, or another user's, or the kernel's: not one of ours


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return  # it ended by itself meanwhile, which is what was wanted
