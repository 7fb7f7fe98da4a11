"""A learner's folder: copied from a bare start, with a small file that says which workshop it is of."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.place import LabError

NAMES = ("instrument", "drift", "trace")
MARK = ".workshop"
_HOME = Path(__file__).resolve().parents[2] / "workshops"
_NOT_COPIED = shutil.ignore_patterns("__pycache__")


def start_of(name: str) -> Path:
    """The bare starting point. Raises LabError outside a checkout."""
    return _part(name, "start")


def solution_of(name: str) -> Path:
    """The reference solution. Raises LabError outside a checkout."""
    return _part(name, "solution")


def copy_start(name: str, folder: Path) -> None:
    """A new folder of the learner's. Raises LabError where it holds something already or cannot be written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LabError(f"{folder} is not empty.", "Name a folder that does not exist yet.")
    try:
        shutil.copytree(start_of(name), folder, dirs_exist_ok=True, ignore=_NOT_COPIED)
        (folder / MARK).write_text(f"{name}\n")
    except OSError as error:
        raise LabError(f"{folder} cannot be written: {error.strerror}.", "Name another folder.") from error


def workshop_of(folder: Path) -> str:
    """Which workshop a folder is of. Raises LabError where it is none's."""
    try:
        name = (folder / MARK).read_text().strip()
    except OSError:
        name = ""
    if name not in NAMES:
        raise LabError(
            f"{folder} is no workshop's folder: it has no file {MARK} that names one of {', '.join(NAMES)}.",
            f"`faultline workshop {NAMES[0]} {folder}/{NAMES[0]}` makes one.",
        )
    return name


def _part(name: str, part: str) -> Path:
    path = _HOME / name / part
    if not path.is_dir():
        raise LabError("The workshops are not here.", "Run this in a checkout of the repository.")
    return path
