"""Runs a learner's code: servers on free ports with their output in files, and jobs that end by themselves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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


def json_of(response: httpx.Response) -> Any:
    """The answer's JSON; None where it is none."""
    try:
        return response.json()
    except ValueError:
        return None


@dataclass(frozen=True)
class Server:
    """``python WORDS`` in ``folder``: ready once it answers at ``ready``; standard output goes to ``output``."""

    folder: Path
    words: Sequence[str]
    ready: str
    output: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> Path:
        return self.output.with_suffix(".err")

    def start(self) -> subprocess.Popen[bytes]:
        command, environment = [sys.executable, *self.words], _environment(self.environment)
        with self.output.open("wb") as out, self.errors.open("wb") as err:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=out, stderr=err)


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    """All of them, started at once, for the length of the block.

    Raises LabError with the last words of one that ends, or does not answer, before it is ready.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        for server in servers:
            started.append(server.start())
        for server, process in zip(servers, started, strict=True):
            _wait(server, process)
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            _ended(process)


def job(folder: Path, words: Sequence[str]) -> str:
    """What ``python WORDS`` says wrong, run to its end in ``folder``; empty where it exits with 0."""
    try:
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, env=_environment({}), capture_output=True, text=True,
            timeout=_JOB_WITHIN_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"{words[0]} did not end within {_JOB_WITHIN_S:g} s"
    return "" if done.returncode == 0 else f"{words[0]} exits with {done.returncode}: {_last(done.stderr)}"


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """One thread a process: with more, numerical libraries fight over the cores of a small machine."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        **(more or {}),
    }


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise _not_started(server, "ended")
        if _answers(server.ready):
            return
        time.sleep(_POLL_S)
    raise _not_started(server, f"did not answer {server.ready} within {_READY_WITHIN_S:g} s")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _not_started(server: Server, what: str) -> LabError:
    lines = server.errors.read_text(errors="replace").strip().splitlines()[-8:]
    last = "\n".join(f"  | {line[:300]}" for line in lines)
    return LabError(
        f"`python {' '.join(server.words)}` {what}.\n{last}", "Run it by hand until it starts, then check again."
    )


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no word"])[-1][:300]
