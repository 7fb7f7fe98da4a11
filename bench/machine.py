"""What the numbers were measured on; they mean nothing without it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Machine:
    """``load_before`` is the one-minute load average before the first measurement: other work on the cores."""

    cores: int
    processor: str
    memory_gb: float
    system: str
    python: str
    load_before: float

    @property
    def hardware(self) -> str:
        return f"{self.cores} cores, {self.processor}, {self.memory_gb} GB"

    def __str__(self) -> str:
        return f"{self.hardware}, load average before {self.load_before:g}"


def this_machine() -> Machine:
    return Machine(
        cores=psutil.cpu_count() or 1,
        processor=_processor(),
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        system=platform.platform(),
        python=platform.python_version(),
        load_before=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    models = [
        line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
    ]
    return models[0] if models else platform.machine()
