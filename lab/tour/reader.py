"""Reading signals of a window from the backends, as a person would: PromQL, LogQL, traces, Redis's own logs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx

from lab.clients.http import BackendError, open_client
from lab.clients.loki import Loki
from lab.clients.prometheus import Prometheus
from lab.clients.telemetry import LogLine, Span
from lab.clients.tempo import Tempo
from lab.faults.redis_admin import connect
from lab.faults.signals import Logged, Prom, RedisLog, Signal, Traced
from lab.place import Place
from lab.tour.measures import measure

TRACES, LINES = 24, 1_200
EVERYTHING = '{service_name=~".+"}'
ROOT = "POST /v1/predictions"


@dataclass(frozen=True)
class Window:
    """A stretch of time, Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass
class Reader:
    """One stack's telemetry."""

    place: Place
    http: httpx.Client = field(default_factory=open_client)

    def __post_init__(self) -> None:
        self.prom = Prometheus(self.place.url("prometheus"), self.http)
        self.tempo = Tempo(self.place.url("tempo"), self.http)
        self.loki = Loki(self.place.url("loki"), self.http)

    def read(
        self, signals: Iterable[Signal], window: Window, traces: list[list[Span]], denials: float
    ) -> dict[str, float]:
        """Each signal's number over the window, by its text; ``denials`` is what the ACL log had then."""
        return {str(signal): denials if _is_acl(signal) else self._value(signal, window, traces) for signal in signals}

    def denials(self, window: Window) -> float:
        """Entries of Redis's ACL log since the window began. It keeps an entry's last time only: ask when it ends."""
        with connect(self.place) as redis:
            entries = redis.execute_command("ACL", "LOG")
        return float(sum(_field(entry, "age-seconds") < time.time() - window.start for entry in entries))

    def traces(self, window: Window) -> list[list[Span]]:
        """Whole traces of predictions that began in the window."""
        found = self.tempo.search(f'{{ name = "{ROOT}" }}', window.start, window.end, TRACES)
        return [spans for each in found if (spans := self.tempo.trace(each.trace_id))]

    def lines(self, query: str, window: Window) -> list[LogLine]:
        return self.loki.lines(query, window.start, window.end, limit=LINES)

    def number(self, query: str, window: Window) -> float:
        """A PromQL query's one number at the window's end; NaN without series."""
        try:
            found = self.prom.query(Prom(query).text(window.seconds), window.end)
        except BackendError as error:
            raise RuntimeError(f"{query}: {error}") from error
        return found[0].value if found else math.nan

    def _value(self, signal: Signal, window: Window, traces: list[list[Span]]) -> float:
        if isinstance(signal, Prom):
            return self.number(signal.query, window)
        if isinstance(signal, Traced):
            return measure(traces, signal)
        if isinstance(signal, Logged):
            return len(self.lines(signal.query, window)) / window.seconds
        return self._redis(signal, window)

    def _redis(self, signal: RedisLog, window: Window) -> float:
        with connect(self.place) as redis:
            entries = redis.slowlog_get(256)
        return float(
            sum(
                window.start <= entry["start_time"] <= window.end and _text(entry["command"]).startswith(signal.command)
                for entry in entries
            )
        )


def _is_acl(signal: Signal) -> bool:
    return isinstance(signal, RedisLog) and signal.log == "acl"


def _text(command: bytes | str) -> str:
    return command.decode(errors="replace") if isinstance(command, bytes) else command


def _field(entry: object, name: str) -> float:
    """A field of an ACL log entry: a list of names and values, or (RESP3) a mapping."""
    if isinstance(entry, dict):
        return float(entry[name])
    assert isinstance(entry, list)
    return float(entry[entry.index(name) + 1])
