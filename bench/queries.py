"""What one person's queries cost the predictions: `python -m bench.queries`.

Windows of the same load alternate, with and without a person who asks the store, so that the machine's moods fall on
both.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx

from bench.load import drive
from bench.machine import this_machine
from bench.tell import tell
from lab.place import Place
from lab.stack import Options, down, up
from lab.traffic.tally import percentile

ASK_EVERY_S = 1.0
TRACEQL = (
    "{ duration > 100ms }",
    '{ resource.service.name = "cv_model" && name = "model_inference" }',
    '{ resource.service.name = "gateway" } >> { status = error }',
    "{ } | count() > 25",
)
LOGQL = (
    '{service_name="gateway"} |= "answered"',
    'sum by (service_name) (rate({service_namespace="marketplace"}[1m]))',
)


def main() -> None:
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="faultline-bench-") as folder:
        root = Place.from_environment({}).root
        place = Place(root, Path(folder) / "run", arguments.port_offset)
        up(place, Options(traffic_rate=0))
        try:
            windows = list(_windows(place, arguments.rate, arguments.count, arguments.pairs))
        finally:
            down(place)
    _print(windows, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.queries", description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0, help="predictions a second")
    parser.add_argument("--count", type=int, default=300, help="predictions a window")
    parser.add_argument("--pairs", type=int, default=10, help="windows of each kind")
    parser.add_argument("--port-offset", type=int, default=28_000, help="of the stack that is measured")
    return parser


def _windows(place: Place, rate: float, count: int, pairs: int) -> Iterator[tuple[bool, dict[str, Any]]]:
    drive(place, rate, 60)
    for number, asked in itertools.product(range(pairs), (False, True)):
        tell(f"window {2 * number + asked + 1} of {2 * pairs}, {'with' if asked else 'without'} queries")
        if asked:
            with _person(place):
                yield True, drive(place, rate, count)
        else:
            yield False, drive(place, rate, count)


@contextmanager
def _person(place: Place) -> Iterator[None]:
    """Somebody who asks one question a second, of each kind in turn."""
    enough = Event()
    with ThreadPoolExecutor(1, "queries") as thread:
        asking = thread.submit(_ask, place, enough)
        try:
            yield
        finally:
            enough.set()
    asking.result()  # raises where a question failed: then the window measured nothing


def _ask(place: Place, enough: Event) -> None:
    questions: list[tuple[str, str]] = [("/api/search", q) for q in TRACEQL]
    questions += [("/loki/api/v1/query_range", q) for q in LOGQL]
    with httpx.Client(base_url=place.url("telemetry_store"), timeout=15) as client:
        for path, query in itertools.cycle(questions):
            name = "q" if path == "/api/search" else "query"
            client.get(path, params={name: query, "limit": 20}).raise_for_status()
            if enough.wait(ASK_EVERY_S):
                return


def _print(windows: list[tuple[bool, dict[str, Any]]], arguments: argparse.Namespace) -> None:
    print(f"machine: {this_machine()}")
    print(f"{arguments.pairs} windows of {arguments.count} predictions at {arguments.rate:g}/s each")
    quiet, busy = (_percentiles(report for kind, report in windows if kind is asked) for asked in (False, True))
    print(f"without queries: {json.dumps(quiet)}")
    print(f"with queries: {json.dumps(busy)}")
    print(f"ratio of p99, with to without: {busy['p99_ms'] / quiet['p99_ms']:.3f}")


def _percentiles(reports: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Of all answers in all windows of a kind: one window has too few for a steady p99."""
    each = sorted(itertools.chain.from_iterable(report["latencies_ms"] for report in reports))
    return {"p50_ms": percentile(each, 0.5), "p99_ms": percentile(each, 0.99)}


if __name__ == "__main__":
    main()
