"""What a machine needs to run the local stack, checked one by one."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

import psutil

from lab.place import Place
from lab.stack import binaries, is_up
from lab.stack.ports import holders
from services import topology

Level = Literal["ok", "warning", "problem"]
_NEEDED_MEMORY_GB = 2.5
_NEEDED_DISK_GB = 4.0
# Measured: wheels of requirements.lock, and Debian's four packages with what they bring.
_PACKAGES_MB = 420
_DEBIAN_MB = 60
_ENGINE_TIMEOUT_S = 10


@dataclass(frozen=True)
class Finding:
    """One checked thing: a problem stands in the way, a warning may."""

    subject: str
    level: Level
    text: str


def findings(place: Place) -> list[Finding]:
    return [
        _memory(place),
        _disk(place),
        _cores(),
        _python(),
        _ports(place),
        _programs(),
        _engine(),
        _downloads(),
    ]


def _memory(place: Place) -> Finding:
    free = psutil.virtual_memory().available / 1e9
    text = f"{free:.1f} GB available; the stack takes about {_NEEDED_MEMORY_GB} GB at most"
    return Finding("memory", "ok" if free >= _NEEDED_MEMORY_GB or is_up(place) else "problem", text)


def _disk(place: Place) -> Finding:
    free = shutil.disk_usage(place.root).free / 1e9
    text = f"{free:.1f} GB free; virtual environment and data take about {_NEEDED_DISK_GB} GB"
    return Finding("disk", "ok" if free >= _NEEDED_DISK_GB else "problem", text)


def _cores() -> Finding:
    cores = psutil.cpu_count() or 1
    text = f"{cores} cores" if cores >= 2 else "1 core: expect predictions over 100 ms"
    return Finding("processor", "ok" if cores >= 2 else "warning", f"{text}, {platform.machine()}")


def _python() -> Finding:
    right = sys.version_info[:2] == (3, 11)
    return Finding("Python", "ok" if right else "problem", f"{platform.python_version()}; 3.11 is needed")


def _ports(place: Place) -> Finding:
    if is_up(place):
        return Finding("ports", "ok", "held by this stack, which is up")
    names = {port: name for name, port in topology.ports(place.offset).items()}
    taken = holders(names)
    if not taken:
        return Finding("ports", "ok", f"all {len(names)} free, offset {place.offset}")
    lines = "\n".join(f"{port} ({names[port]}) is held by {holder}" for port, holder in taken.items())
    return Finding("ports", "problem", f"{lines}\nmove the stack with FAULTLINE_PORT_OFFSET=20000")


def _programs() -> Finding:
    absent = binaries.missing(binaries.BINARIES)
    if absent:
        return Finding("packages", "problem", f"missing: {', '.join(absent)}\nrun: {binaries.install_line(absent)}")
    return Finding("packages", "ok", ", ".join(path for name in binaries.BINARIES if (path := binaries.find(name))))


def _engine() -> Finding:
    docker = shutil.which("docker")
    if docker is None:
        return Finding("container engine", "ok", "none; the local target needs none")
    command = [docker, "compose", "version", "--short"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ENGINE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding(
            "container engine", "warning", f"Docker does not answer in {_ENGINE_TIMEOUT_S} s; none is needed"
        )
    text = f"Docker with Compose {done.stdout.strip()}" if done.returncode == 0 else "Docker without Compose v2"
    return Finding("container engine", "ok", f"{text}; the local target needs none")


def _downloads() -> Finding:
    absent = binaries.missing(binaries.BINARIES)
    debian = f"{_DEBIAN_MB} MB of distribution packages" if absent else "nothing from the distribution"
    text = f"{debian}; Python packages are here (about {_PACKAGES_MB} MB when `make up` sets up afresh)"
    return Finding("downloads", "ok", text)
