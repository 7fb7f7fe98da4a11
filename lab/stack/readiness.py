"""Wait until every program is ready, or say which is not, why, and what it logged last."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx

from lab.place import LabError, Place
from lab.stack.programs import Program
from lab.stack.progress import Progress
from lab.stack.supervisor import ProcessInfo, Supervisor

_POLL_S = 0.25
_PROBE_TIMEOUT_S = 2.0
_LAST_LOG_LINES = 12
# A program that ends this often during one start does not wait for a peer any more: it is broken.
_HOPELESS_STARTS = 6


class NotReady(LabError):
    """The stack did not become ready; ``reasons`` by program."""

    def __init__(self, place: Place, reasons: dict[str, str]) -> None:
        parts = [_explained(place, name, reason) for name, reason in reasons.items()]
        logs = place.shown(place.logs_dir)
        super().__init__("\n".join(parts), f"Full logs are in {logs}; `faultline down` stops what runs.")
        self.reasons = reasons


@dataclass
class _Waiting:
    """What is known of the programs that are not ready yet."""

    began: float
    reasons: dict[str, str] = field(default_factory=dict)
    starts: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def hopeless(self, process: ProcessInfo) -> bool:
        self.starts[process.name].add(process.started)
        return process.state == "FATAL" or len(self.starts[process.name]) >= _HOPELESS_STARTS


def wait_ready(place: Place, listed: Iterable[Program], progress: Progress, timeout_s: float) -> None:
    """Return when each program is ready. Raises NotReady after ``timeout_s``, or as soon as one is hopeless."""
    supervisor = Supervisor(place)
    pending = {program.name: program for program in listed}
    state = _Waiting(time.monotonic())
    with httpx.Client(timeout=_PROBE_TIMEOUT_S, trust_env=False) as http:
        while pending:
            broken = _look(supervisor, http, pending, state, progress)
            late = time.monotonic() - state.began > timeout_s
            if broken or (late and pending):
                raise NotReady(place, {name: state.reasons[name] for name in (broken or pending)})
            if pending:
                time.sleep(_POLL_S)


def not_ready(place: Place, listed: Iterable[Program]) -> dict[str, str]:
    """One look: reasons of the programs that are not ready now."""
    processes = {process.name: process for process in Supervisor(place).processes()}
    with httpx.Client(timeout=_PROBE_TIMEOUT_S, trust_env=False) as http:
        looked = {program.name: _reason(program, processes, http) for program in listed}
    return {name: reason for name, reason in looked.items() if reason is not None}


def last_log_lines(place: Place, name: str, count: int = _LAST_LOG_LINES) -> list[str]:
    """The end of a program's log as people read it: a JSON line becomes its level and message, line by line."""
    path = place.logs_dir / f"{name}.log"
    if not path.exists():
        return []
    raw = path.read_text(errors="replace").splitlines()[-count:]
    return [line for each in raw for line in _readable(each)][-count:]


def _look(
    supervisor: Supervisor, http: httpx.Client, pending: dict[str, Program], state: _Waiting, progress: Progress
) -> list[str]:
    """Take what is ready out of ``pending``; answer the names of those that will never be."""
    processes = {process.name: process for process in supervisor.processes()}
    broken = []
    for program in list(pending.values()):
        reason = _reason(program, processes, http)
        if reason is None:
            del pending[program.name]
            progress.ready(program.name, time.monotonic() - state.began)
            continue
        if state.reasons.get(program.name) != reason:
            progress.waiting(program.name, reason)
        state.reasons[program.name] = reason
        process = processes.get(program.name)
        if process is None or state.hopeless(process):
            broken.append(program.name)
    return broken


def _reason(program: Program, processes: dict[str, ProcessInfo], http: httpx.Client) -> str | None:
    process = processes.get(program.name)
    if process is None:
        return "supervisord does not know it: it was not part of this start"
    if not program.one_shot and process.state not in ("RUNNING", "STARTING"):
        return f"{process.state.lower()}: {process.description}"
    return program.probe.reason(http, process)


def _readable(line: str) -> list[str]:
    if not line.startswith("{"):
        return [line]
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return [line]
    return f"{record.get('level', '')} {record.get('message', line)}".splitlines()


def _explained(place: Place, name: str, reason: str) -> str:
    lines = "".join(f"\n    | {line[:300]}" for line in last_log_lines(place, name))
    return f"{name} is not ready: {reason}{lines}"
