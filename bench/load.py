"""One load: latencies as the generator saw them, and processor time by process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import psutil

from bench.tell import tell
from lab.place import Place
from lab.stack import pids
from lab.stack.supervisor import Supervisor

_WARM_UP = 60


@dataclass(frozen=True)
class LoadResult:
    """``report`` is the generator's summary (see lab.traffic.tally); ``cpu_ms`` is by process, a prediction."""

    rate: float
    telemetry: bool
    report: dict[str, Any]
    cpu_ms: dict[str, float] = field(default_factory=dict)


def measure_load(place: Place, rate: float, count: int, *, telemetry: bool) -> LoadResult:
    """Send ``count`` predictions at ``rate`` a second, after a few that are not counted."""
    drive(place, rate, _WARM_UP)
    tell(f"{count} predictions at {rate:g}/s, telemetry {'on' if telemetry else 'off'}: {count / rate:.0f} s")
    before = _cpu_seconds(place)
    report = drive(place, rate, count)
    spent = {name: seconds - before.get(name, 0.0) for name, seconds in _cpu_seconds(place).items()}
    spent["load generator"] = report.pop("generator_cpu_s")
    report.pop("latencies_ms")
    answered = max(report["answered"], 1)
    cpu_ms = {name: round(seconds * 1000 / answered, 2) for name, seconds in spent.items()}
    return LoadResult(rate, telemetry, report, cpu_ms)


def drive(place: Place, rate: float, count: int) -> dict[str, Any]:
    """The generator in a process of its own; its JSON report, with every answer's latency in ``latencies_ms``."""
    environment = {**os.environ, **place.variables}
    command = [sys.executable, "-m", "lab.traffic", "--rate", f"{rate:g}", "--count", str(count), "--json"]
    done = subprocess.run(command, env=environment, cwd=place.root, check=True, stdout=subprocess.PIPE)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def all_pids(place: Place) -> dict[str, int]:
    """Process id by name, supervisord itself included."""
    supervisor = Supervisor(place).pid()
    return {**pids(place), **({"supervisord": supervisor} if supervisor else {})}


def _cpu_seconds(place: Place) -> dict[str, float]:
    times = {name: psutil.Process(pid).cpu_times() for name, pid in all_pids(place).items()}
    return {name: each.user + each.system for name, each in times.items()}
