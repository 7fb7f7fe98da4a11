"""What runs now: state, process, memory and readiness by program."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from lab.place import Place
from lab.stack.lifecycle import is_up, running_programs
from lab.stack.readiness import not_ready
from lab.stack.run import processes_of, read_run
from lab.stack.supervisor import ProcessInfo, Supervisor


@dataclass(frozen=True)
class ProgramStatus:
    """One program now. ``memory_mb`` is its share of resident memory (PSS; RSS where the system has no PSS)."""

    name: str
    state: str
    ready: bool
    reason: str
    pid: int
    ports: tuple[int, ...]
    uptime_s: int
    memory_mb: float


def status(place: Place) -> list[ProgramStatus]:
    """Every program of the run that is up; an empty list where none is."""
    if not is_up(place):
        return []
    listed = running_programs(place)
    processes = {process.name: process for process in Supervisor(place).processes()}
    reasons = not_ready(place, listed)
    return [
        _row(process, program.ports, reasons.get(program.name, ""))
        for program in listed
        if (process := processes.get(program.name))
    ]


def leftovers(place: Place) -> list[int]:
    """Process ids of the last run, found by its id: none after ``down``, all of them if supervisord alone is gone."""
    recorded = read_run(place)
    return [process.pid for process in processes_of(recorded)] if recorded else []


def pids(place: Place) -> dict[str, int]:
    """Process id by program, of those that run now."""
    return {process.name: process.pid for process in Supervisor(place).processes() if process.pid}


def memory_mb(pid: int) -> float:
    """A process's proportional share of memory in MB, 0 if it has ended."""
    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.NoSuchProcess:
        return 0.0
    return float(getattr(full, "pss", full.rss)) / 1e6


def _row(process: ProcessInfo, ports: tuple[int, ...], reason: str) -> ProgramStatus:
    return ProgramStatus(
        name=process.name,
        state="DONE" if process.state == "EXITED" and process.exit_status == 0 else process.state,
        ready=not reason,
        reason=reason,
        pid=process.pid,
        ports=ports,
        uptime_s=process.uptime_s,
        memory_mb=round(memory_mb(process.pid), 1) if process.pid else 0.0,
    )
