"""Programs of others (docker, kubectl, kind): found or missed with a clear word, run, and heard when they fail."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.place import LabError

GET = {
    "docker": "Install Docker Engine with the Compose plugin (v2), or use `faultline up --target local`.",
    "kubectl": "Install kubectl, and kind, k3d or minikube for a cluster, or use `faultline up --target local`.",
    "kind": "Install kind, or switch kubectl to the context of the cluster that you mean.",
    "k3d": "Install k3d, or switch kubectl to the context of the cluster that you mean.",
    "minikube": "Install minikube, or switch kubectl to the context of the cluster that you mean.",
}


def require(name: str) -> str:
    """Path of a program. Raises LabError that says how to get it."""
    path = shutil.which(name)
    if path is None:
        raise LabError(f"{name} is not installed.", GET[name])
    return path


def run(
    *command: str,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    given: str | None = None,
    timeout_s: float = 60,
    shown: bool = False,
) -> str:
    """Standard output of a program that must succeed. Raises LabError with its last words.

    ``given`` goes to its standard input; ``shown`` lets the person see what it prints (nothing is returned then).
    """
    path = require(command[0])
    try:
        done = subprocess.run(
            [path, *command[1:]],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            input=given,
            stdout=None if shown else subprocess.PIPE,
            stderr=None if shown else subprocess.PIPE,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{_short(command)}` did not end within {timeout_s:g} s.", "Is its engine running?") from error
    if done.returncode != 0:
        raise LabError(
            f"`{_short(command)}` failed.\n{_last_words(done.stderr or '')}", "Put right what it says above."
        )
    return done.stdout or ""


def _short(command: Sequence[str]) -> str:
    return " ".join(command[:6])


def _last_words(text: str) -> str:
    return "\n".join(f"  | {line[:300]}" for line in text.strip().splitlines()[-8:])
