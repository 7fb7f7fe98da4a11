"""The distribution's programs: where they are, and how to get the missing ones."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from lab.place import LabError

# Not on every user's PATH: Debian's servers, and Homebrew's prefixes.
_MORE_FOLDERS = ("/usr/local/bin", "/usr/sbin", "/opt/homebrew/bin", "/usr/local/sbin", "~/go/bin")


@dataclass(frozen=True)
class Binary:
    """A program by the names it goes by, and the Debian package and Homebrew command that bring it."""

    names: tuple[str, ...]
    debian: str
    homebrew: str


BINARIES: dict[str, Binary] = {
    "redis": Binary(("redis-server",), "redis-server", "brew install redis"),
    "prometheus": Binary(("prometheus",), "prometheus", "brew install prometheus"),
    "alertmanager": Binary(
        ("prometheus-alertmanager", "alertmanager"), "prometheus-alertmanager", "brew install alertmanager"
    ),
    "redis_exporter": Binary(
        ("prometheus-redis-exporter", "redis_exporter"),
        "prometheus-redis-exporter",
        "go install github.com/oliver006/redis_exporter@latest",
    ),
}


def find(name: str) -> str | None:
    """Path of a program of ``BINARIES``, or None."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *map(os.path.expanduser, _MORE_FOLDERS)))
    return next((found for each in BINARIES[name].names if (found := shutil.which(each, path=path))), None)


def missing(names: Iterable[str]) -> list[str]:
    return [name for name in names if find(name) is None]


def install_line(names: Iterable[str]) -> str:
    """The one line that installs these programs on this kind of machine."""
    wanted = [BINARIES[name] for name in names]
    if sys.platform == "darwin":
        return " && ".join(binary.homebrew for binary in wanted)
    packages = " ".join(binary.debian for binary in wanted)
    return f"sudo apt-get install -y --no-install-recommends {packages}"


def require(names: Iterable[str]) -> dict[str, str]:
    """Paths of all these programs. Raises LabError that names each missing one and the line to run."""
    wanted = list(names)
    if absent := missing(wanted):
        raise LabError(f"Not installed: {', '.join(absent)}.", f"Run: {install_line(absent)}")
    return {name: path for name in wanted if (path := find(name))}
