"""A real store process on free ports, for tests that speak HTTP with it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx

from tests.unit.servers import free_port
from tests.unit.waiting import eventually


@cache
def http() -> httpx.Client:
    """One client for all tests: making one costs more than most requests."""
    return httpx.Client(timeout=30)


@dataclass
class StoreProcess:
    """One `python -m telemetry_store`."""

    folder: Path
    options: tuple[str, ...] = ()
    otlp_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def otlp(self) -> str:
        """Base URL of the receiver."""
        return f"http://127.0.0.1:{self.otlp_port}"

    @property
    def url(self) -> str:
        """Base URL of the query APIs."""
        return f"http://127.0.0.1:{self.http_port}"

    def start(self) -> "StoreProcess":
        """Start, and wait until it says it is ready."""
        command = [sys.executable, "-m", "telemetry_store", "--database", str(self.folder / "store.duckdb")]
        command += ["--otlp-port", str(self.otlp_port), "--http-port", str(self.http_port), *self.options]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "store.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(self._is_ready, f"the store is ready; see {self.folder / 'store.log'}", within=20)
        return self

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "store.log").read_text()
        with contextlib.suppress(httpx.TransportError):
            return http().get(f"{self.url}/ready").text.strip() == "ready"
        return False

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)

    def kill(self) -> None:
        """SIGKILL: no chance to write anything."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def metric(self, name: str) -> float:
        """The sum of a metric's samples on /metrics whose line starts with `name`."""
        lines = http().get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


@contextlib.contextmanager
def running_store(folder: Path, *options: str) -> Iterator[StoreProcess]:
    """A store that is gone afterwards."""
    store = StoreProcess(folder, options)
    try:
        yield store.start()
    finally:
        if store.process is not None and store.process.poll() is None:
            store.kill()
