"""The checker of the workshop "trace": spans, propagation and log lines of three services."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lab.clients.telemetry import Span
from lab.clients.tempo import Tempo
from lab.place import HOST
from lab.workshops.claims import Claim, Point, judged, unless
from lab.workshops.output import json_lines
from lab.workshops.program import Server, asked, free_ports, json_of, running, visitor

SERVICES = ("quotes", "features", "pricing")
PRICES = {1: 128_000.0, 2: 67_500.0}
STATUS = {1: 200, 2: 200, 3: 502, 9: 404}  # by house: two good ones, one that raises, one unknown
_ROOT = Path(__file__).resolve().parents[2]
_AT_ONCE = 5
_SPANS_WITHIN_S = 4.0
_POLL_S = 0.1
_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")
_NO_ID = "0"


@dataclass(frozen=True)
class Visit:
    """One request; ``trace_id`` and ``parent_id`` are those of the ``traceparent`` it came with, empty without one."""

    house: int
    status: int
    answer: Any
    trace_id: str = ""
    parent_id: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a run of the learner's three services left: spans by trace, and by service lines and how many were JSON."""

    visits: list[Visit]
    traces: Mapping[str, Sequence[Span]]
    lines: Mapping[str, list[dict[str, Any]]]
    said: Mapping[str, int]

    @property
    def spans(self) -> list[Span]:
        return [span for trace in self.traces.values() for span in trace]

    def trace(self, visit: Visit) -> Sequence[Span]:
        return self.traces.get(visit.trace_id, ())

    def handed(self, house: int) -> list[Visit]:
        """Visits to a house that came with a traceparent."""
        return [visit for visit in self.visits if visit.trace_id and visit.house == house]


def check(folder: Path, scratch: Path) -> list[Point]:
    """Run the three services in ``folder`` and judge them. Raises LabError where one does not start."""
    return judged(CLAIMS, gather(folder, scratch))


def gather(folder: Path, scratch: Path) -> Evidence:
    """What a run of the services leaves; their output goes to ``scratch``."""
    ports = dict(zip((*SERVICES, "otlp", "query"), free_ports(5), strict=True))
    environment = _environment(ports)
    services = [
        Server(
            folder, (f"{name}.py",), f"http://{HOST}:{ports[name]}/healthz", scratch / f"{name}.out",
            {**environment, "PORT": str(ports[name])},
        )
        for name in SERVICES
    ]  # fmt: skip
    with running(_receiver(scratch, ports), *services), visitor() as http:
        visits = _visit(http, ports["quotes"])
        traces = _traces(Tempo(f"http://{HOST}:{ports['query']}", http), visits)
    outputs = {name: scratch / f"{name}.out" for name in SERVICES}
    lines = {name: list(json_lines(path)) for name, path in outputs.items()}
    said = {name: len(path.read_text(errors="replace").split("\n")) - 1 for name, path in outputs.items()}
    return Evidence(visits, traces, lines, said)


def _environment(ports: Mapping[str, int]) -> dict[str, str]:
    return {
        "FEATURES_URL": f"http://{HOST}:{ports['features']}",
        "PRICING_URL": f"http://{HOST}:{ports['pricing']}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{ports['otlp']}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    }


def _receiver(scratch: Path, ports: Mapping[str, int]) -> Server:
    """A telemetry_store of our own: OTLP in, Tempo's query API out."""
    words = (
        *("-m", "telemetry_store", "--otlp-port", str(ports["otlp"]), "--http-port", str(ports["query"])),
        *("--database", str(scratch / "spans.duckdb"), "--flush-seconds", "0.1"),
    )
    return Server(_ROOT, words, f"http://{HOST}:{ports['query']}/ready", scratch / "receiver.out")


def _visit(http: httpx.Client, port: int) -> list[Visit]:
    """Each kind of request with a traceparent and without, and some at once."""

    def ask(house: int, number: int = 0) -> Visit:
        ids = (f"{number:02x}" * 16, f"{number:02x}" * 8) if number else ("", "")
        headers = {"traceparent": f"00-{ids[0]}-{ids[1]}-01"} if number else {}
        response = asked(http, "GET", f"http://{HOST}:{port}/quotes/{house}", headers=headers)
        return Visit(house, response.status_code, json_of(response), *ids)

    visits = [ask(house, number) for number, house in enumerate((1, 2, 3, 9, 1, 2), 1)]
    visits += [ask(house) for house in (1, 2, 3)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return visits + list(threads.map(ask, [1] * _AT_ONCE, range(0xA0, 0xA0 + _AT_ONCE)))


def _traces(tempo: Tempo, visits: list[Visit]) -> dict[str, list[Span]]:
    """Every trace, once all visits' have three services, or after a few seconds."""
    until, began = time.monotonic() + _SPANS_WITHIN_S, time.time() - 120
    while True:
        ids = [summary.trace_id for summary in tempo.search("{ }", began, time.time() + 1, limit=200)]
        found = {each: tempo.trace(each) for each in ids}
        good = [visit for visit in visits if visit.trace_id and visit.house in PRICES]
        if all(_services(found.get(visit.trace_id, ())) == {*SERVICES} for visit in good) or time.monotonic() > until:
            return found
        time.sleep(_POLL_S)


def _services(spans: Sequence[Span]) -> set[str]:
    return {span.service for span in spans}


def _answers(seen: Evidence) -> str:
    for visit in seen.visits:
        if visit.status != STATUS[visit.house]:
            return f"/quotes/{visit.house} answers {visit.status}, not {STATUS[visit.house]}"
        if visit.house in PRICES and visit.answer != {"price": PRICES[visit.house]}:
            return f"/quotes/{visit.house} answers {visit.answer}"
    return ""


def _arrive(service: str) -> Claim[Evidence]:
    def missing(seen: Evidence) -> str:
        others = sorted(_services(seen.spans) - {*SERVICES})
        hint = f"; spans came from {', '.join(map(repr, others))}" if others else ""
        return unless(service in _services(seen.spans), f"no span's service.name is {service}{hint}")

    return Claim(f"spans arrive from {service}", missing)


def _one_trace(seen: Evidence) -> str:
    whole = [trace for trace in seen.traces.values() if _services(trace) >= {*SERVICES}]
    return unless(bool(whole), "no trace has spans of all three services")


def _continued(seen: Evidence) -> str:
    for visit in seen.handed(1) + seen.handed(2):
        missing = {*SERVICES} - _services(seen.trace(visit))
        if missing:
            return f"a request came with the trace id {visit.trace_id}; {min(missing)} has no span in that trace"
    return ""


def _linked(seen: Evidence) -> str:
    if not seen.spans:
        return "there are no spans"
    sent = {visit.parent_id for visit in seen.visits if visit.parent_id}
    for trace_id, trace in seen.traces.items():
        ids = {span.span_id for span in trace} | sent
        lost = [span for span in trace if span.parent_id and span.parent_id not in ids]
        if lost:
            return f"{lost[0].service} · {lost[0].name} in trace {trace_id} has a parent that never arrived"
        tops = [span for span in trace if not span.parent_id or span.parent_id in sent]
        if len(tops) != 1:
            return f"trace {trace_id} has {len(tops)} spans without a parent in it"
    return ""


def _called(seen: Evidence) -> str:
    for visit in seen.handed(1):
        by_id = {span.span_id: span for span in seen.trace(visit)}
        for callee in SERVICES[1:]:
            servers = [each for each in by_id.values() if each.service == callee and each.kind == "server"]
            above = [by_id.get(each.parent_id) for each in servers]
            if not any(each and (each.service, each.kind) == ("quotes", "client") for each in above):
                return f"no server span of {callee} stands under a client span of quotes"
    return ""


def _apart(seen: Evidence) -> str:
    for visit in seen.visits[-_AT_ONCE:]:
        entries = [
            span for span in seen.trace(visit) if span.service == "quotes" and span.kind == "server"
        ]  # one request is one server span of quotes
        if len(entries) != 1:
            return f"of {_AT_ONCE} requests at once, one's trace has {len(entries)} server spans of quotes"
    return ""


def _failed(seen: Evidence) -> str:
    spans = [span for visit in seen.handed(3) for span in seen.trace(visit) if span.service == "pricing"]
    errors = [span for span in spans if span.status == "error"]
    if not errors:
        return "in the trace of /quotes/3 no span of pricing has the status error"
    told = any(event.name == "exception" for span in errors for event in span.events)
    return unless(told, "the span has no exception event")


def _written(seen: Evidence) -> str:
    for service in SERVICES:
        lines = seen.lines[service]
        if not lines or len(lines) < seen.said[service]:
            return f"of {seen.said[service]} lines of {service}, {len(lines)} are JSON"
        for line in lines:
            if line.get("service") != service or not _has_ids(line):
                return f"a line of {service} has service {line.get('service')!r}, trace_id {line.get('trace_id')!r}"
    return ""


def _has_ids(line: Mapping[str, Any]) -> bool:
    trace_id, span_id = str(line.get("trace_id", "")), str(line.get("span_id", ""))
    real = trace_id.strip(_NO_ID) and span_id.strip(_NO_ID)
    return bool(real and _TRACE_ID.fullmatch(trace_id) and _SPAN_ID.fullmatch(span_id))


def _lead(seen: Evidence) -> str:
    for visit in seen.handed(1):
        saying = {name for name in SERVICES if any(line.get("trace_id") == visit.trace_id for line in seen.lines[name])}
        if missing := {*SERVICES} - saying:
            return f"no line of {min(missing)} has the trace_id {visit.trace_id} of a request that it served"
    return ""


CLAIMS: tuple[Claim[Evidence], ...] = (
    Claim("the services answer as before", _answers),
    *map(_arrive, SERVICES),
    Claim("one request is one trace over all three services", _one_trace),
    Claim("a caller's traceparent is continued", _continued),
    Claim("every span has its parent", _linked),
    Claim("a call has a client span, and the callee's server span under it", _called),
    Claim("requests at the same time stay traces of their own", _apart),
    Claim("what raised is an error on its span, with the exception", _failed),
    Claim("every log line is JSON with service, trace_id and span_id", _written),
    Claim("a request's log lines from all three services lead to its trace", _lead),
)
