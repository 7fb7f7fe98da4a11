"""Runs a learner's code: servers on free ports with their output in files, and jobs that end by themselves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from lab.place import HOST, LabError

_READY_WITHIN_S = 60.0
_STOPPED_WITHIN_S = 10.0
_JOB_WITHIN_S = 120.0
_POLL_S = 0.05
_VISIT_S = 10.0
NO_ANSWER = 599


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def visitor(base_url: str = "") -> httpx.Client:
    """A client of the loopback with a connection for each request: a server may close one after an error."""
    return httpx.Client(
        base_url=base_url, trust_env=False, timeout=_VISIT_S, limits=httpx.Limits(max_keepalive_connections=0)
    )


def asked(http: httpx.Client, method: str, url: str, **options: Any) -> httpx.Response:
    """The answer; one with the status 599 where the server broke off or took too long."""
    try:
        return http.request(method, url, **options)
    except httpx.HTTPError as error:
        return httpx.Response(NO_ANSWER, text=f"{type(error).__name__}")


@contextmanager
def server(
    folder: Path, words: Sequence[str], ready: str, output: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """``python WORDS`` in ``folder`` for the length of the block, standard output in ``output``.

    Raises LabError with its last words where it ends, or does not answer at ``ready``, before it is ready.
    """
    errors = output.with_suffix(".err")
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=_environment(environment), stdout=out, stderr=err
        )
        try:
            _wait(process, words, ready, errors)
            yield
        finally:
            _stop(process)


def job(folder: Path, words: Sequence[str]) -> str:
    """What ``python WORDS`` says wrong, run to its end in ``folder``; empty where it exits with 0."""
    try:
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, env=_environment(None), capture_output=True, text=True,
            timeout=_JOB_WITHIN_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{words[0]} did not end within {_JOB_WITHIN_S:g} s"
    return "" if done.returncode == 0 else f"{words[0]} exits with {done.returncode}: {_last(done.stderr)}"


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """One thread a process: with more, numerical libraries fight over the cores of a small machine."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        **(more or {}),
    }


def _wait(process: subprocess.Popen[bytes], words: Sequence[str], ready: str, errors: Path) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise _not_started(words, "ended", errors)
        if _answers(ready):
            return
        time.sleep(_POLL_S)
    raise _not_started(words, f"did not answer {ready} within {_READY_WITHIN_S:g} s", errors)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _not_started(words: Sequence[str], what: str, errors: Path) -> LabError:
    last = "\n".join(f"  | {line[:300]}" for line in errors.read_text(errors="replace").strip().splitlines()[-8:])
    return LabError(f"`python {' '.join(words)}` {what}.\n{last}", "Run it by hand until it starts, then check again.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no word"])[-1][:300]
