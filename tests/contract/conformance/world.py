"""The fixed data set: traces and log lines of the marketplace, generated from a seed, as plain Python objects.

Expected results are worked out from these objects alone. Only the time they are stamped with differs between runs,
because real backends take fresh data only.
"""

import json
import random
from dataclasses import dataclass, field
from typing import Any

MS = 1_000_000
TRACES = 150
_ROOT = ("gateway", "POST /v1/predictions", "server")


@dataclass(eq=False)
class S:
    """One span. `parent` is the parent's span, None for the root; times in nanoseconds."""

    trace: int
    number: int
    parent: "S | None"
    service: str
    name: str
    kind: str
    start: int
    duration: int
    attrs: dict[str, Any] = field(default_factory=dict)
    status: str = "unset"
    message: str = ""
    event: tuple[str, dict[str, Any]] | None = None

    @property
    def resource(self) -> dict[str, Any]:
        """Attributes of its resource."""
        version = {"cv_model": "2.1.0", "nlp_model": "2.0.0"}.get(self.service, "1.0.0")
        return {
            "service.name": self.service, "service.namespace": "marketplace", "service.version": version,
            "deployment.environment.name": "test",
        }  # fmt: skip

    @property
    def ms(self) -> float:
        """Duration in milliseconds."""
        return self.duration / MS

    def above(self) -> "list[S]":
        """Ancestors, nearest first."""
        return [] if self.parent is None else [self.parent, *self.parent.above()]


@dataclass(eq=False)
class L:
    """One log line, its index labels and its structured metadata as the backend should show them."""

    time: int
    service: str
    body: str
    severity: str
    attrs: dict[str, Any]
    span: S

    @property
    def labels(self) -> dict[str, str]:
        """Every label a query without parsers shows."""
        number, level = {"INFO": ("9", "info"), "WARN": ("13", "warn"), "ERROR": ("17", "error")}[self.severity]
        metadata = {
            "service_instance_id": f"{self.service}-0", "severity_text": self.severity, "severity_number": number,
            "detected_level": level, "trace_id": f"{self.span.trace:032x}", "span_id": f"{self.span.number:016x}",
        }  # fmt: skip
        return metadata | {key.replace(".", "_"): str(value) for key, value in self.attrs.items()} | self.index

    @property
    def index(self) -> dict[str, str]:
        """Index labels."""
        return {
            "service_name": self.service, "service_namespace": "marketplace", "deployment_environment_name": "test",
        }  # fmt: skip


@dataclass
class World:
    """Everything, and the time it ends."""

    spans: list[S]
    lines: list[L]
    end: int

    def trace(self, number: int) -> list[S]:
        """One trace's spans."""
        return [span for span in self.spans if span.trace == number]


def make_world(end: int) -> World:
    """The data set, stamped within the minute before `end` (nanoseconds)."""
    rng = random.Random(20261123)
    spans: list[S] = []
    for number in range(1, TRACES + 1):
        spans += _trace(number, end - 55_000 * MS + number * 300 * MS, rng)
    return World(spans, [line for span in spans for line in _lines(span)], end)


class _Maker:
    """Adds spans to one trace."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.number, self.rng, self.spans = number, rng, list[S]()

    def add(self, parent: S | None, what: tuple[str, str, str], after: int, ms: int, **attrs: Any) -> S:
        start = after if parent is None else parent.start + after * MS
        named = {key.replace("__", "."): value for key, value in attrs.items()}
        span = S(self.number, self.number * 64 + len(self.spans), parent, *what, start, ms * MS, named)
        self.spans.append(span)
        return span


def _trace(number: int, start: int, rng: random.Random) -> list[S]:
    make = _Maker(number, rng)
    whole = rng.choice([40, 60, 80, 120, 250, 400])
    root = make.add(None, _ROOT, start, whole, http__request__method="POST", http__route="/v1/predictions")
    root.attrs["user.tier"] = rng.choice(["free", "pro", "größer"])
    out = make.add(root, ("gateway", "POST", "client"), 1, whole - 4, server__address="orchestrator")
    inner = make.add(out, ("orchestrator", "POST /v1/predict", "server"), 2, whole - 8, degraded=False)
    inner.attrs |= {"http.route": "/v1/predict", "http.request.method": "POST"}
    fan = make.add(inner, ("orchestrator", "fan_out", "internal"), 1, whole - 14)
    _features(make, fan)
    _model(make, fan, "nlp_model", "preprocess", whole - 20)
    failed = _model(make, fan, "cv_model", "decode_photo", whole - 24)
    make.add(inner, ("orchestrator", "fuse_prediction", "internal"), whole - 12, 2, score=round(rng.random(), 3))
    status = 200
    if failed:
        inner.attrs["degraded"], status = True, 207
        inner.status = "error"
    root.attrs["http.response.status_code"] = out.attrs["http.response.status_code"] = status
    return make.spans


def _features(make: _Maker, fan: S) -> None:
    call = make.add(fan, ("orchestrator", "POST", "client"), 1, 12, server__address="feature_store")
    server = make.add(call, ("feature_store", "POST /v1/features", "server"), 1, 10, http__route="/v1/features")
    lookup = make.add(server, ("feature_store", "feature_lookup", "internal"), 1, 8)
    lookup.attrs["feature.count"] = make.rng.randint(8, 14)
    for place in range(make.rng.choice([1, 1, 2, 5])):
        redis = ("feature_store", "HGETALL", "client")
        make.add(lookup, redis, place, make.rng.randint(1, 3), db__system__name="redis", db__operation__name="HGETALL")


def _model(make: _Maker, fan: S, service: str, work: str, ms: int) -> bool:
    rng = make.rng
    call = make.add(fan, ("orchestrator", "POST", "client"), 1, ms, server__address=service)
    server = make.add(call, (service, "POST /v1/score", "server"), 1, ms - 2, http__route="/v1/score")
    first = make.add(server, (service, work, "internal"), 1, rng.randint(1, 4))
    if service == "cv_model":
        first.attrs["photo.bytes"] = rng.randint(20_000, 30_000)
        if rng.random() < 0.15:
            error = {"exception.type": rng.choice(["ValueError", "OSError"]), "exception.message": "cut short"}
            first.status, first.message, first.event = "error", "cannot decode photo", ("exception", error)
            server.status = call.status = "error"
            return True
    inference = make.add(server, (service, "model_inference", "internal"), 5, max(1, ms - 10))
    inference.attrs |= {"ml.model.name": service[:-6], "ml.model.version": rng.choice(["1.0", "2.0"])}
    inference.attrs["ml.batch.size"] = rng.randint(1, 8)
    if rng.random() < 0.3:
        inference.status = "ok"
    return False


def _lines(span: S) -> list[L]:
    """A line for each server span and each error: JSON, logfmt or plain text by service."""
    if span.kind != "server" and span.status != "error":
        return []
    whole = int(span.ms)
    severity = "ERROR" if span.status == "error" else ("WARN" if whole > 300 else "INFO")
    attrs = {"request.id": f"r-{span.trace}", "duration_ms": whole, "model.version": "2.0" if span.trace % 3 else "1.0"}
    return [L(span.start + span.duration, span.service, _body(span, whole), severity, attrs, span)]


def _body(span: S, whole: int) -> str:
    route = span.attrs.get("http.route", "")
    if span.service in ("gateway", "cv_model"):
        content = {
            "event": span.name,
            "ms": whole,
            "route": route,
            "http": {"status": 200, "ok": span.status != "error"},
        }
        return json.dumps(content, separators=(",", ":"))
    if span.service == "orchestrator":
        degraded = str(bool(span.attrs.get("degraded"))).lower()
        return f'event="{span.name}" took={whole}ms size={whole * 100}B degraded={degraded}'
    return f"{span.name} done in {whole} ms by worker {span.trace % 4}"
