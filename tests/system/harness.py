"""The running system as the system tests speak of it. Everything goes over the wire, or through the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import psutil

from lab.clients.loki import Loki, log_query
from lab.clients.prometheus import Prometheus
from lab.clients.telemetry import LogLine, Sample, Span
from lab.clients.tempo import Tempo
from lab.place import Place
from lab.question import is_whole
from lab.stack import ProgramStatus, pids, run, status
from lab.stack.supervisor import Supervisor
from marketplace.world import World
from services import topology
from tests.system.metrics import PAGE_TYPE, MetricsPage

T = TypeVar("T")
PREDICTIONS = "/v1/predictions"
POLL_S = 0.2


@dataclass
class System:
    """One stack, wherever it runs. ``key`` names the API key that is used unless a verb is told another."""

    place: Place
    key: str = "traffic"
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.http = httpx.Client(timeout=20, trust_env=False)
        self.tempo = Tempo(self.place.url("telemetry_store"), self.http)
        self.loki = Loki(self.place.url("telemetry_store"), self.http)
        self.prom = Prometheus(self.place.url("prometheus"), self.http)

    def close(self) -> None:
        self.http.close()

    # Asking it

    def ask(
        self,
        *,
        listing: str = "L000001",
        user: str = "U000001",
        description: str | None = None,
        photo: bytes | None = None,
        photo_type: str = "image/jpeg",
        headers: Mapping[str, str] | None = None,
        without: tuple[str, ...] = (),
    ) -> httpx.Response:
        """One prediction's question and whatever comes back; text and photo are the listing's own unless given."""
        form = {
            "user_id": user,
            "listing_id": listing,
            "description": self.world.description("L000001") if description is None else description,
        }
        shown = self.world.photo("L000001") if photo is None else photo
        files = {"photo": ("photo", shown, photo_type)}
        form, files = ({name: value for name, value in each.items() if name not in without} for each in (form, files))
        # A form without a file would not be multipart; an unused part keeps it so.
        return self.post(PREDICTIONS, data=form, files=files or {"unused": ("", b"", "text/plain")}, headers=headers)

    def post(self, path: str, *, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """Anything to the gateway, with the key."""
        return self.http.post(f"{self.gateway}{path}", headers={**self.credentials(), **(headers or {})}, **body)

    def predict(self, **question: Any) -> dict[str, Any]:
        """One prediction; fails unless it is answered."""
        response = self.ask(**question)
        assert response.status_code == httpx.codes.OK, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def predict_many(self, count: int) -> list[dict[str, Any]]:
        """Predictions for that many users and listings, one after the other."""
        return [self.predict(listing=f"L{n:06d}", user=f"U{n:06d}") for n in range(1, count + 1)]

    def predict_until_traced(self, **question: Any) -> list[Span]:
        """The whole trace of a new prediction."""
        return self.trace(self.predict(**question)["trace_id"])

    @property
    def gateway(self) -> str:
        return self.place.url("gateway")

    def credentials(self, key: str = "") -> dict[str, str]:
        return {"x-api-key": self.place.api_key(key or self.key)}

    def cli(self, *words: str, within: float = 240) -> subprocess.CompletedProcess[str]:
        """``faultline WORDS``, run as a person would, for this stack."""
        environment = {**os.environ, **self.place.variables}
        command = [sys.executable, "-m", "lab", *words]
        return subprocess.run(
            command, env=environment, cwd=self.place.root, capture_output=True, text=True, timeout=within, check=False
        )

    def cli_json(self, *words: str, within: float = 240) -> Any:
        """What a command prints with ``--json``; fails unless it exits with 0."""
        done = self.cli(*words, "--json", within=within)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    # Looking at its telemetry

    def trace(self, trace_id: str, until: Callable[[list[Span]], bool] = is_whole) -> list[Span]:
        """A trace's spans, as soon as they fulfil ``until``: by default, that all services' have arrived."""

        def arrived() -> list[Span] | None:
            found = self.spans_now(trace_id)
            return found if until(found) else None

        return self.eventually(arrived, f"trace {trace_id} is in the store", within=20)

    def spans_now(self, trace_id: str) -> list[Span]:
        return self.tempo.trace(trace_id)

    def logs(
        self, *, trace_id: str = "", service: str = "", contains: str = "", within_s: float = 900
    ) -> list[LogLine]:
        """Log lines of the last quarter of an hour, from the store's Loki API."""
        now = time.time()
        query = log_query(service=service, trace_id=trace_id, contains=contains)
        return self.loki.lines(query, now - within_s, now + 5, limit=5_000)

    def metrics(self, service: str) -> MetricsPage:
        """What the service's own metrics port shows now."""
        page = self.http.get(f"{self.place.url(f'{service}_metrics')}/metrics", headers={"Accept": PAGE_TYPE})
        return MetricsPage.parse(service, page.text)

    def total(self, name: str, **labels: str) -> float:
        """A metric summed over all services."""
        return sum(self.metrics(service).value(name, **labels) for service in topology.SERVICES)

    def prometheus(self, query: str) -> list[Sample]:
        return self.prom.query(query)

    # Waiting for a fact

    def eventually(self, check: Callable[[], T], description: str, *, within: float) -> T:
        """What ``check`` answers once it is truthy; fails with the description after ``within`` seconds."""
        until, last = time.monotonic() + within, ""
        while True:
            try:
                if answer := check():
                    return answer
            except (httpx.HTTPError, AssertionError, LookupError, OSError) as error:
                last = f" (last: {type(error).__name__}: {error})"
            if time.monotonic() > until:
                raise AssertionError(f"not within {within:g} s: {description}{last}")
            time.sleep(POLL_S)

    def healthy(self) -> bool:
        """Whether a prediction is complete now."""
        response = self.ask()
        return response.status_code == httpx.codes.OK and not response.json()["degraded"]

    def eventually_healthy(self, within: float = 30) -> None:
        self.eventually(self.healthy, "predictions are complete", within=within)

    # Doing it harm

    def programs(self) -> dict[str, ProgramStatus]:
        return {row.name: row for row in status(self.place)}

    def pids(self) -> dict[str, int]:
        """Process id by program, as supervisord has them."""
        return pids(self.place)

    def kill(self, program: str) -> int:
        """SIGKILL, by the process id that supervisord reports; returns that id."""
        pid = self.pids()[program]
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextmanager
    def without(self, program: str) -> Iterator[None]:
        """The program stays stopped for the length of the block; it is running again after it."""
        supervisor = Supervisor(self.place)
        name = f"{'services' if program in topology.SERVICES else 'backends'}:{program}"
        supervisor.stop(name)
        try:
            yield
        finally:
            supervisor.start(name)
            self.eventually(lambda: self.programs()[program].ready, f"{program} is ready again", within=60)

    def processes(self) -> list[psutil.Process]:
        """Every process of this stack's last start, by the run id in its environment."""
        started = run.read_run(self.place)
        return run.processes_of(started) if started else []
