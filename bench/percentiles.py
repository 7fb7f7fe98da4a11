"""How well buckets tell a percentile: `python -m bench.percentiles [--count N] [--json]`.

Draws latencies, shows them to a real Prometheus twice, as the services do (classic buckets by scrape, exponential ones
by OTLP through the telemetry store), lets it evaluate `histogram_quantile`, and compares with the sorted sample.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import numpy as np
import yaml
from numpy.typing import NDArray
from opentelemetry.sdk.resources import Resource
from prometheus_client import start_http_server
from rich.console import Console
from rich.table import Table

from bench.store import wait_for
from bench.tell import tell
from chassis.metrics import Metrics
from chassis.native import NativeHistograms
from chassis.semconv import HTTP_REQUEST_DURATION, LATENCY_BUCKETS
from lab.place import HOST
from lab.stack import binaries
from lab.workshops.program import Server, free_ports, running

QUANTILES = (0.5, 0.99, 0.999)
CLASSIC, NATIVE = "http_request_duration_seconds_bucket", "http_server_request_duration_seconds"
_ROOT = Path(__file__).resolve().parents[1]
_SHOWN_WITHIN_S = 30
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One percentile of one shape, in milliseconds."""

    shape: str
    quantile: float
    truth: float
    classic: float
    native: float

    @property
    def classic_off(self) -> float:
        return self.classic / self.truth - 1

    @property
    def native_off(self) -> float:
        return self.native / self.truth - 1


def shapes(count: int, seed: int) -> dict[str, Values]:
    """Latencies in seconds: a healthy service; one with a slow hundredth, within one bucket; one past the last edge."""
    draw = np.random.default_rng(seed)
    healthy = draw.lognormal(math.log(0.032), 0.38, count)
    tailed = healthy.copy()
    tailed[: count // 100] = draw.uniform(0.26, 0.30, count // 100)
    beyond = healthy.copy()
    beyond[: count // 200] = draw.normal(4.0, 0.2, count // 200)
    return {"healthy": healthy, "a slow hundredth": tailed, "timeouts of 4 s": beyond}


def measure(count: int, seed: int) -> list[Row]:
    """Every percentile of every shape."""
    drawn = shapes(count, seed)
    with tempfile.TemporaryDirectory(prefix="faultline-bench-") as folder, _shown(drawn, Path(folder)) as url:
        wait_for(lambda: _counted(url) == 2 * count * len(drawn), _SHOWN_WITHIN_S)
        return [_row(url, name, values, q) for name, values in drawn.items() for q in QUANTILES]


@contextmanager
def _shown(drawn: dict[str, Values], folder: Path) -> Iterator[str]:
    """A Prometheus that has both kinds of buckets of every shape."""
    page, otlp, store, prometheus = free_ports(4)
    metrics = Metrics("percentiles")
    with ExitStack() as stack:
        words = ("-m", "telemetry_store", "--otlp-port", str(otlp), "--http-port", str(store))
        words += ("--database", str(folder / "store.duckdb"))
        stack.enter_context(running(Server(_ROOT, words, f"http://{HOST}:{store}/ready", folder / "store.out")))
        _observe(drawn, metrics, f"http://{HOST}:{otlp}")
        serving, thread = start_http_server(page, HOST, metrics.registry)
        stack.callback(thread.join, 5)
        stack.callback(serving.shutdown)
        stack.enter_context(_prometheus(folder, prometheus, page, store))
        yield f"http://{HOST}:{prometheus}"


def _observe(drawn: dict[str, Values], metrics: Metrics, endpoint: str) -> None:
    """Each value once in either histogram."""
    resource = Resource({"service.name": "percentiles"})
    native = NativeHistograms(resource, endpoint, metrics, tell, interval_s=60, timeout_s=10)
    for name, values in drawn.items():
        labels = {"method": "POST", "route": name}
        for value in values.tolist():
            metrics.observe(HTTP_REQUEST_DURATION, value, **labels)
            native.record(HTTP_REQUEST_DURATION, value, labels)
    native.shutdown(10)


@contextmanager
def _prometheus(folder: Path, port: int, page: int, store: int) -> Iterator[None]:
    jobs = [("classic", "/metrics", page), ("native", "/metrics/native", store)]
    scrapes = [
        {
            "job_name": name,
            "metrics_path": path,
            "honor_labels": True,
            "static_configs": [{"targets": [f"{HOST}:{at}"]}],
        }
        for name, path, at in jobs
    ]
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": scrapes}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    words = (f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}")
    words += (f"--web.listen-address={HOST}:{port}", "--enable-feature=native-histograms")
    with (folder / "prometheus.out").open("wb") as out:
        binary = binaries.require(["prometheus"])["prometheus"]
        running = subprocess.Popen([binary, *words], stdout=out, stderr=out)
        try:
            yield
        finally:
            running.terminate()
            running.wait(20)


def _counted(url: str) -> float:
    """Observations that Prometheus has, of both kinds; 0 while it is not there yet."""
    try:
        classic = _values(url, f'sum({CLASSIC}{{le="+Inf"}})')
        native = _values(url, f"histogram_count(sum({NATIVE}))")
    except httpx.HTTPError:
        return 0
    return sum(classic + native)


def _row(url: str, name: str, values: Values, quantile: float) -> Row:
    (classic,) = _values(url, f'histogram_quantile({quantile}, sum by (le) ({CLASSIC}{{route="{name}"}}))')
    (native,) = _values(url, f'histogram_quantile({quantile}, sum({NATIVE}{{http_route="{name}"}}))')
    return Row(name, quantile, 1000 * truth(values, quantile), 1000 * classic, 1000 * native)


def truth(values: Sequence[float] | Values, quantile: float) -> float:
    """Nearest rank of the sorted sample."""
    ordered = np.sort(values)
    return float(ordered[max(0, math.ceil(quantile * len(ordered)) - 1)])


def _values(url: str, query: str) -> list[float]:
    response = httpx.get(f"{url}/api/v1/query", params={"query": query}, trust_env=False)
    response.raise_for_status()
    return [float(each["value"][1]) for each in response.json()["data"]["result"]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.percentiles", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="latencies of each shape (default 20000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    rows = measure(given.count, given.seed)
    if given.json:
        json.dump([asdict(row) for row in rows], sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    table = Table(title=f"{given.count} latencies of each shape, seed {given.seed}; classic edges {LATENCY_BUCKETS}")
    for column in ("shape", "percentile", "truth, ms", "classic, ms", "off by", "native, ms", "off by"):
        table.add_column(column, justify="left" if column == "shape" else "right")
    for row in rows:
        table.add_row(
            row.shape, f"p{100 * row.quantile:g}", f"{row.truth:.1f}", f"{row.classic:.1f}", f"{row.classic_off:+.1%}",
            f"{row.native:.1f}", f"{row.native_off:+.1%}",
        )  # fmt: skip
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)


if __name__ == "__main__":
    main()
