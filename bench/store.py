"""What the telemetry store takes in and how fast it answers: `python -m bench.store [--spans N] [--lines N]`.

Starts a store of its own in a temporary folder, fills it through OTLP/HTTP with gzip, asks each query often, and
prints counts, medians, 99th percentiles and memory. Times are a client's: they include HTTP on loopback.
"""

import argparse
import gzip
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from bench.machine import this_machine
from lab.workshops.program import free_ports

REPEATS = 40
TRACES_A_REQUEST = 18  # about 500 spans, as an SDK's batch
LINES_A_REQUEST = 500
# One prediction: (service, span, kind, parent's place, share of the whole time).
SHAPE: list[tuple[str, str, int, int, float]] = [
    ("gateway", "POST /v1/predictions", Span.SPAN_KIND_SERVER, -1, 1.0),
    ("gateway", "authenticate", Span.SPAN_KIND_INTERNAL, 0, 0.01),
    ("gateway", "POST", Span.SPAN_KIND_CLIENT, 0, 0.95),
    ("orchestrator", "POST /v1/predict", Span.SPAN_KIND_SERVER, 2, 0.93),
    ("orchestrator", "fan_out", Span.SPAN_KIND_INTERNAL, 3, 0.8),
]
for _service, _work in (("nlp_model", "preprocess"), ("cv_model", "decode_photo"), ("feature_store", "feature_lookup")):
    _base = len(SHAPE)
    SHAPE += [
        ("orchestrator", "POST", Span.SPAN_KIND_CLIENT, 4, 0.7),
        (_service, "POST /v1/score", Span.SPAN_KIND_SERVER, _base, 0.65),
        (_service, _work, Span.SPAN_KIND_INTERNAL, _base + 1, 0.1),
        (_service, "batch_wait", Span.SPAN_KIND_INTERNAL, _base + 1, 0.1),
        (_service, "model_inference", Span.SPAN_KIND_INTERNAL, _base + 1, 0.3),
        (_service, "HGETALL", Span.SPAN_KIND_CLIENT, _base + 2, 0.02),
        (_service, "postprocess", Span.SPAN_KIND_INTERNAL, _base + 1, 0.02),
    ]
SHAPE += [("orchestrator", "fuse_prediction", 1, 3, 0.02), ("orchestrator", "serialize", 1, 3, 0.01)]
SERVICES = sorted({row[0] for row in SHAPE})


@dataclass
class Store:
    """The process under test."""

    otlp: str
    url: str
    process: psutil.Process


def _start(folder: Path) -> tuple[Store, subprocess.Popen[bytes]]:
    otlp, http = free_ports(2)
    command = [sys.executable, "-m", "telemetry_store", "--database", str(folder / "store.duckdb")]
    command += ["--otlp-port", str(otlp), "--http-port", str(http)]
    with (folder / "store.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
    store = Store(f"http://127.0.0.1:{otlp}", f"http://127.0.0.1:{http}", psutil.Process(running.pid))
    wait_for(lambda: _ready(store), 20)
    return store, running


def _ready(store: Store) -> bool:
    try:
        return httpx.get(f"{store.url}/ready").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(fact: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.02)


def _pairs(values: dict[str, str | int | float]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in values.items()]


def _any(value: str | int | float) -> AnyValue:
    kind = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
    return AnyValue(**{kind: value})  # type: ignore[arg-type]


def _resource(service: str) -> list[KeyValue]:
    return _pairs({"service.name": service, "service.namespace": "marketplace", "service.instance.id": f"{service}-0"})


def _attributes(name: str, kind: int, rng: random.Random) -> dict[str, str | int | float]:
    if kind == Span.SPAN_KIND_SERVER:
        return {
            "http.request.method": "POST",
            "http.route": name[5:],
            "http.response.status_code": 200,
            "url.scheme": "http",
        }
    if name == "HGETALL":
        return {
            "db.system.name": "redis",
            "db.operation.name": "HGETALL",
            "server.address": "127.0.0.1",
            "server.port": 6390,
        }
    if kind == Span.SPAN_KIND_CLIENT:
        return {"http.request.method": "POST", "server.address": "127.0.0.1", "http.response.status_code": 200}
    if name == "model_inference":
        return {
            "ml.model.name": "text",
            "ml.model.version": rng.choice(["1.0", "2.0"]),
            "ml.batch.size": rng.randint(1, 8),
        }
    return {"score": rng.random()} if name == "postprocess" else {}


def trace_bodies(traces: int, rng: random.Random) -> Iterator[tuple[bytes, int]]:
    """(gzipped request, spans in it), each of TRACES_A_REQUEST traces."""
    for first in range(0, traces, TRACES_A_REQUEST):
        request = ExportTraceServiceRequest()
        spans = {service: request.resource_spans.add() for service in SERVICES}
        for service, group in spans.items():
            group.resource.attributes.extend(_resource(service))
            group.scope_spans.add().scope.name = "chassis"
        count = min(TRACES_A_REQUEST, traces - first)
        for _ in range(count):
            _add_trace({service: group.scope_spans[0] for service, group in spans.items()}, rng)
        yield gzip.compress(request.SerializeToString(), 3), count * len(SHAPE)


def _add_trace(scopes: dict[str, object], rng: random.Random) -> None:
    trace_id, ids = rng.randbytes(16), [rng.randbytes(8) for _ in SHAPE]
    start, whole = time.time_ns(), rng.lognormvariate(4, 0.5) * 1e6
    failed = rng.random() < 0.01
    for place, (service, name, kind, parent, share) in enumerate(SHAPE):
        begin = start + place * 100_000
        span = scopes[service].spans.add(  # type: ignore[attr-defined]
            trace_id=trace_id, span_id=ids[place], parent_span_id=ids[parent] if parent >= 0 else b"", name=name,
            kind=kind, start_time_unix_nano=begin, end_time_unix_nano=begin + int(whole * share),
            attributes=_pairs(_attributes(name, kind, rng)),
        )  # fmt: skip
        if failed and name == "decode_photo":
            span.status.code = Status.STATUS_CODE_ERROR


def line_bodies(lines: int, rng: random.Random) -> Iterator[tuple[bytes, int]]:
    """(gzipped request, lines in it)."""
    for first in range(0, lines, LINES_A_REQUEST):
        request = ExportLogsServiceRequest()
        group = request.resource_logs.add()
        group.resource.attributes.extend(_resource(rng.choice(SERVICES)))
        records = group.scope_logs.add().log_records
        count = min(LINES_A_REQUEST, lines - first)
        for _ in range(count):
            number = rng.randrange(1, max(2, lines // 8))
            records.add(
                time_unix_nano=time.time_ns(), severity_number=9, severity_text="INFO",
                trace_id=number.to_bytes(16), span_id=rng.randbytes(8),
                body=_any(f'{{"event":"prediction","request_id":"r-{number}","ms":{rng.randint(5, 300)}}}'),
                attributes=_pairs({"request_id": f"r-{number}", "model_version": "1.0"}),
            )  # fmt: skip
        yield gzip.compress(request.SerializeToString(), 3), count


def _ingest(store: Store, signal: str, bodies: Iterator[tuple[bytes, int]]) -> str:
    """Send everything, then wait until it is written; making the requests is not part of the time."""
    before, cpu = _stored(store, signal), sum(store.process.cpu_times()[:2])
    items, busy, refused = 0, 0.0, 0
    with httpx.Client(headers={"content-type": "application/x-protobuf", "content-encoding": "gzip"}) as client:
        for body, count in bodies:
            started = time.monotonic()
            while client.post(f"{store.otlp}/v1/{signal}", content=body).status_code == 429:
                refused += 1
                time.sleep(0.05)
            busy += time.monotonic() - started
            items += count
    started = time.monotonic()
    wait_for(lambda: _stored(store, signal) - before >= items, 60)
    busy += time.monotonic() - started
    used = (sum(store.process.cpu_times()[:2]) - cpu) / items * 1e6
    return f"{items} in: {items / busy:,.0f} a second, {used:.0f} µs of CPU each, {refused} answers 429"


def _stored(store: Store, signal: str) -> float:
    wanted = f'telemetry_store_items_stored_total{{signal="{signal}"}}'
    lines = httpx.get(f"{store.url}/metrics").text.splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted)), 0.0)


def _measure(client: httpx.Client, name: str, path: str, parameters: dict[str, str]) -> None:
    times, size = [], 0
    for _ in range(REPEATS):
        started = time.perf_counter()
        answer = client.get(path, params=parameters)
        times.append((time.perf_counter() - started) * 1000)
        answer.raise_for_status()
        size = len(answer.content)
    p99 = statistics.quantiles(times, n=100)[98]
    print(f"  {name:34} n={REPEATS}  p50 {statistics.median(times):8.2f} ms  p99 {p99:8.2f} ms  {size:>8,} bytes")


def _trace_queries(store: Store) -> None:
    now = int(time.time())
    window = {"start": str(now - 7200), "end": str(now + 60)}
    with httpx.Client(base_url=store.url, timeout=30) as client:
        newest = client.get("/api/search", params={"q": "{}", "limit": "1"}).json()["traces"][0]["traceID"]
        _measure(client, "trace by id", f"/api/traces/{newest}", {})
        for name, query in (
            ("search by service and duration", '{ resource.service.name = "cv_model" && duration > 100ms }'),
            ("search by attribute", '{ span.ml.model.version = "2.0" && span.ml.batch.size > 6 }'),
            ("search errors of one span", '{ name = "decode_photo" && status = error }'),
            ("structural >>", '{ resource.service.name = "gateway" } >> { name = "decode_photo" && status = error }'),
            ("structural >", '{ name = "fan_out" } > { kind = client && duration > 150ms }'),
            ("count() > 4", '{ resource.service.name = "orchestrator" && duration > 20ms } | count() > 4'),
            ("nothing found", '{ span.score > 2 }'),
        ):  # fmt: skip
            _measure(client, name, "/api/search", {"q": query, "limit": "20", **window})
        metric = {"q": "{ } | rate() by (resource.service.name)", "step": "60s", **window}
        _measure(client, "rate() by service", "/api/metrics/query_range", metric)
        metric["q"] = "{ kind = server } | quantile_over_time(duration, .5, .99)"
        _measure(client, "quantile_over_time", "/api/metrics/query_range", metric)


def _line_queries(store: Store) -> None:
    now = time.time_ns()
    window = {"start": str(now - 7200 * 10**9), "end": str(now + 10**9), "limit": "100"}
    with httpx.Client(base_url=f"{store.url}/loki/api/v1", timeout=30) as client:
        for name, query in (
            ("logs by trace", '{service_name=~".+"} | trace_id="' + f'{77:032x}"'),
            ("logs by substring", '{service_name=~".+"} |= "r-77\\""'),
            ("logs by metadata", '{service_name=~".+"} | request_id="r-77"'),
            ("logs | json | ms > 299", '{service_name="cv_model"} | json | ms > 299'),
        ):  # fmt: skip
            _measure(client, name, "/query_range", {"query": query, **window})
        rate = {"query": 'sum by (service_name) (rate({service_name=~".+"}[5m]))', "step": "60", **window}
        _measure(client, "rate by service", "/query_range", rate)


def _memory(store: Store) -> str:
    status = Path(f"/proc/{store.process.pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = "".join(f", {int(line.split()[1]) >> 10} MB at most" for line in lines if line.startswith("VmHWM"))
    return f"memory {store.process.memory_info().rss >> 20} MB resident{peak}"


def run(spans: int, lines: int) -> None:
    """Print everything for one size."""
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        store, running = _start(Path(folder))
        try:
            print(f"store with {spans:,} spans and {lines:,} lines, on {this_machine()}; empty: {_memory(store)}")
            print("  traces", _ingest(store, "traces", trace_bodies(spans // len(SHAPE), rng)))
            print("  " + _memory(store))
            _trace_queries(store)
            print("  lines", _ingest(store, "logs", line_bodies(lines, rng)))
            _line_queries(store)
            size = (Path(folder) / "store.duckdb").stat().st_size >> 20
            print(f"  {_memory(store)}; file {size} MB")
        finally:
            running.terminate()
            running.wait(timeout=20)


def main() -> None:
    """The two sizes of the aims, or the one asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--spans", type=int, help="spans in the store (default: 200 000, then a million)")
    parser.add_argument("--lines", type=int, help="lines in the store (default: half the spans)")
    arguments = parser.parse_args()
    for spans in [arguments.spans] if arguments.spans else [200_000, 1_000_000]:
        run(spans, arguments.lines or spans // 2)


if __name__ == "__main__":
    main()
