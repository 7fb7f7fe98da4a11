"""Another program on the machine that takes the cores."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import Any

import psutil

from lab.faults.wanted import Wanted
from lab.place import Place


class Neighbour:
    """Something compresses, as backups do, on every core and more. It ends by itself too, where `timeout` is there."""

    def __init__(self, row: Wanted, per_core: float = 3.0) -> None:
        self._count = max(1, round((os.cpu_count() or 1) * per_core * row.intensity))
        self._until = row.ends_at
        self._started: list[subprocess.Popen[bytes]] = []

    def plan(self, place: Place) -> dict[str, Any]:
        """Started here, not in ``apply``: only now are the process ids known. Each ends at its deadline anyway."""
        seconds = max(1, round(self._until - time.time()))
        limit = [path, str(seconds)] if (path := shutil.which("timeout")) else []
        command = [*limit, shutil.which("gzip") or "gzip", "-9", "-c", "/dev/urandom"]
        self._started = [
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
            for _ in range(self._count)
        ]
        return {"processes": [[each.pid, psutil.Process(each.pid).create_time()] for each in self._started]}

    def apply(self, place: Place, plan: dict[str, Any]) -> None:
        """They run already."""

    def go_on(self, place: Place) -> None:
        for each in self._started:
            each.poll()

    @staticmethod
    def undo(place: Place, plan: dict[str, Any]) -> None:
        for pid, created in plan["processes"]:
            if psutil.pid_exists(pid) and abs(psutil.Process(pid).create_time() - created) < 1:
                _end(psutil.Process(pid))


def _end(process: psutil.Process) -> None:
    """The program and what it started."""
    for each in [*process.children(recursive=True), process]:
        try:
            each.terminate()
        except psutil.NoSuchProcess:
            continue  # it ended by itself meanwhile
    try:
        process.wait(2)
    except psutil.TimeoutExpired:
        process.kill()
