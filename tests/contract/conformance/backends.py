"""Where the conformance suite runs: the store, or a real Tempo and Loki by URL.

Against real backends give fresh ones: FAULTLINE_TEMPO_URL with FAULTLINE_TEMPO_OTLP_URL, FAULTLINE_LOKI_URL.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contract.conformance.load import load_lines, load_traces
from tests.contract.conformance.world import TRACES, World, make_world
from tests.unit.telemetry_store.process import http, running_store
from tests.unit.waiting import eventually

SEARCHABLE_SECONDS = 90.0  # a real Tempo takes up to half a minute


@dataclass(frozen=True)
class Backend:
    """A loaded backend: the base URL of its query API, and what is in it."""

    url: str
    world: World


@contextmanager
def tempo(folder: Path) -> Iterator[Backend]:
    """Tempo's API with every trace searchable."""
    if url := os.environ.get("FAULTLINE_TEMPO_URL"):
        yield _loaded_tempo(url, os.environ["FAULTLINE_TEMPO_OTLP_URL"])
        return
    with running_store(folder) as store:
        yield _loaded_tempo(store.url, store.otlp)


def _loaded_tempo(url: str, otlp: str) -> Backend:
    world = make_world(time.time_ns())
    load_traces(world, otlp)
    parameters = {"q": "{}", "limit": "1000", **window(world)}

    def found() -> bool:
        answer = http().get(f"{url}/api/search", params=parameters, timeout=30).json()
        spans = sum(spanset["matched"] for trace in answer["traces"] for spanset in trace["spanSets"])
        return len(answer["traces"]) == TRACES and spans == len(world.spans)

    eventually(found, "every trace is searchable", within=SEARCHABLE_SECONDS)
    return Backend(url, world)


@contextmanager
def loki(folder: Path) -> Iterator[Backend]:
    """Loki's API with every line searchable."""
    if url := os.environ.get("FAULTLINE_LOKI_URL"):
        yield _loaded_loki(url, f"{url}/otlp/v1/logs")
        return
    with running_store(folder) as store:
        yield _loaded_loki(store.url, f"{store.otlp}/v1/logs")


def _loaded_loki(url: str, push: str) -> Backend:
    world = make_world(time.time_ns())
    load_lines(world, push)
    parameters = {"query": '{service_name=~".+"}', "limit": "5000", **window_ns(world)}

    def found() -> bool:
        answer = http().get(f"{url}/loki/api/v1/query_range", params=parameters, timeout=30).json()
        lines = sum(len(stream["values"]) for stream in answer["data"]["result"])
        return lines == len(world.lines)

    eventually(found, "every line is searchable", within=SEARCHABLE_SECONDS)
    return Backend(url, world)


def window(world: World) -> dict[str, str]:
    """start and end in seconds, around everything."""
    return {"start": str(world.end // 10**9 - 600), "end": str(world.end // 10**9 + 60)}


def window_ns(world: World) -> dict[str, str]:
    """start and end in nanoseconds, around everything."""
    return {"start": str(world.end - 600 * 10**9), "end": str(world.end + 60 * 10**9)}
