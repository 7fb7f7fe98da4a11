"""The checker of the workshop "instrument": metrics and a log for a house-price API."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lab.place import HOST
from lab.workshops import promtool
from lab.workshops.claims import Claim, Point, judged, unless
from lab.workshops.output import Page, json_lines, page
from lab.workshops.program import Server, asked, free_ports, json_of, running, visitor

INFERENCE, PREDICTED = "model_inference_duration_seconds", "model_prediction_value"
OBJECTIVE_S = 0.1
_EMAIL = "seller-{number}@example.com"
_HOUSES = [
    {"area": 40.0 + 8 * number, "rooms": 1 + number // 3, "age": 3.0 * number, "place": place}
    for number, place in enumerate(["village", "suburb", "centre"] * 8)
]
_PROMQL = re.compile(r"```promql\n(.*?)```", re.DOTALL)
_NAME = re.compile(r"\b[a-zA-Z_:][a-zA-Z0-9_:]*\b(?=\s*[{\[])")
_HOLDS = re.compile(r"\b\d+ ?(s|m|h|d|second|minute|hour|day)", re.IGNORECASE)


@dataclass(frozen=True)
class Visit:
    """One request as its sender saw it."""

    method: str
    route: str
    status: int
    request_id: str
    seconds: float
    answer: Any
    echoed_id: str = ""

    @property
    def price(self) -> float | None:
        """The predicted one; None where the answer is no prediction."""
        if self.route != "/predict" or self.status != httpx.codes.OK or not isinstance(self.answer, dict):
            return None
        found = self.answer.get("price")
        return found if isinstance(found, float) else None


@dataclass(frozen=True)
class Evidence:
    """What a run of the learner's API left."""

    visits: list[Visit]
    metrics: Page
    lines: list[dict[str, Any]]
    said: str
    alerts: str

    @property
    def predictions(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.price is not None]

    @property
    def prices(self) -> list[float]:
        return [visit.price for visit in self.visits if visit.price is not None]

    def line(self, visit: Visit) -> Mapping[str, Any]:
        """The prediction's line, by its request id."""
        return next((line for line in self.lines if line.get("request_id") == visit.request_id), {})


def check(folder: Path, scratch: Path) -> list[Point]:
    """Run the API in ``folder`` and judge it. Raises LabError if it does not start."""
    return judged(CLAIMS, gather(folder, scratch))


def gather(folder: Path, scratch: Path) -> Evidence:
    """What a run of the API leaves; its output goes to ``scratch``."""
    (port,) = free_ports(1)
    url, output = f"http://{HOST}:{port}", scratch / "app.out"
    words = ("-m", "uvicorn", "app:app", "--host", HOST, "--port", str(port), "--no-access-log")
    with running(Server(folder, words, f"{url}/healthz", output)), visitor(url) as http:
        visits = _visit(http)
        metrics = _scraped(http)
    said = "".join(path.read_text(errors="replace") for path in (output, output.with_suffix(".err")))
    alerts = folder / "ALERTS.md"
    text = alerts.read_text(errors="replace") if alerts.is_file() else ""
    return Evidence(visits, metrics, list(json_lines(output)), said, text)


def _visit(http: httpx.Client) -> list[Visit]:
    """Good requests, bad ones, unknown addresses and one that raises."""
    wanted: list[tuple[str, str, str, Any]] = [
        ("POST", "/predict", "/predict", {**house, "seller_email": _EMAIL.format(number=number)})
        for number, house in enumerate(_HOUSES)
    ]
    wanted += [("POST", "/predict", "/predict", {"area": -1, "seller_email": _EMAIL.format(number=99)})] * 3
    wanted += [("POST", "/predict", "/predict", {**_HOUSES[0], "place": "moon", "seller_email": "x@example.com"})]
    places = ("village", "suburb", "a1", "a2", "a3")
    wanted += [("GET", f"/places/{place}", "/places/{place}", None) for place in places]
    return [_one(http, number, *each) for number, each in enumerate(wanted)]


def _one(http: httpx.Client, number: int, method: str, path: str, route: str, body: Any) -> Visit:
    request_id, began = f"visit-{number:03d}", time.perf_counter()
    response = asked(http, method, path, json=body, headers={"x-request-id": request_id})
    took = time.perf_counter() - began
    echoed = response.headers.get("x-request-id", "")
    return Visit(method, route, response.status_code, request_id, took, json_of(response), echoed)


def _scraped(http: httpx.Client) -> Page:
    response = asked(http, "GET", "/metrics", follow_redirects=True, headers={"accept": "text/plain"})
    if response.status_code != httpx.codes.OK:
        return Page(problem=f"GET /metrics answers {response.status_code}")
    return page(response.text)


def _answers(seen: Evidence) -> str:
    wrong = [visit for visit in seen.visits if visit.status not in _expected(visit)]
    if wrong:
        return f"{wrong[0].method} {wrong[0].route} answers {wrong[0].status}, not {_expected(wrong[0])[0]}"
    return unless(len(seen.predictions) == len(_HOUSES), "POST /predict gives no price")


def _expected(visit: Visit) -> tuple[int, ...]:
    """By the order of the requests: good ones, three that are not valid, one that raises, two places, three unknown."""
    number = int(visit.request_id.removeprefix("visit-")) - len(_HOUSES)
    if number < 0:
        return (200,)
    return (422,) if number < 3 else (500,) if number == 3 else (200,) if number < 6 else (404,)


def _scrapes(seen: Evidence) -> str:
    return seen.metrics.problem


def _counted(seen: Evidence) -> str:
    for visit in seen.visits:
        if visit.status == httpx.codes.INTERNAL_SERVER_ERROR:
            continue
        labels = {"method": visit.method, "route": visit.route, "status": str(visit.status)}
        alike = [each for each in seen.visits if (each.route, each.status) == (visit.route, visit.status)]
        found = seen.metrics.total("http_requests_total", **labels)
        if found != len(alike):
            shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
            return f"http_requests_total{{{shown}}} is {found:g} after {len(alike)} such requests"
    return ""


def _counted_raised(seen: Evidence) -> str:
    found = seen.metrics.total("http_requests_total", route="/predict", status="500")
    return unless(found == 1, f'http_requests_total{{route="/predict", status="500"}} is {found:g}; one request raised')


def _bounded(seen: Evidence) -> str:
    found = seen.metrics.of("http_requests_total")
    if not found:
        return "there is no http_requests_total"
    paths = {value for labels, _ in found for value in labels.values() if value.startswith("/places/a")}
    if paths:
        return f"a label holds {min(paths)!r}: each address makes a series of its own"
    return unless(all("route" in labels for labels, _ in found), "http_requests_total has no label route")


def _timed(seen: Evidence) -> str:
    count, total = (seen.metrics.total(f"{INFERENCE}_{part}") for part in ("count", "sum"))
    due = len(seen.predictions)
    if not seen.metrics.of(f"{INFERENCE}_bucket"):
        return f"there is no histogram {INFERENCE}"
    if count not in (due, due + 1):  # the one that raised may have been timed as well
        return f"{INFERENCE} has {count:g} observations of {due} inferences"
    if not 0 < total <= sum(visit.seconds for visit in seen.visits):
        return f"{INFERENCE} sums to {total:g} s; the requests took less in all: is it in seconds?"
    return unless(OBJECTIVE_S in seen.metrics.edges(INFERENCE), f"{INFERENCE} has no bucket edge at {OBJECTIVE_S} s")


def _valued(seen: Evidence) -> str:
    prices = seen.prices
    count, total = (seen.metrics.total(f"{PREDICTED}_{part}") for part in ("count", "sum"))
    if not seen.metrics.of(f"{PREDICTED}_bucket"):
        return f"there is no histogram {PREDICTED}"
    if count != len(prices) or not math.isclose(total, sum(prices), rel_tol=1e-6):
        return (
            f"{PREDICTED} has {count:g} values that sum to {total:g}; the answers were {len(prices)}, {sum(prices):g}"
        )
    between = [edge for edge in seen.metrics.edges(PREDICTED) if min(prices) < edge < max(prices)]
    return unless(len(between) >= 3, f"{PREDICTED} has {len(between)} bucket edges between the prices; three are few")


def _logged(seen: Evidence) -> str:
    found = [line for line in seen.lines if "prediction" in line]
    return unless(
        len(found) == len(seen.predictions),
        f"{len(found)} JSON lines with a prediction on standard output, after {len(seen.predictions)} predictions",
    )


def _identified(seen: Evidence) -> str:
    lost = [visit.request_id for visit in seen.predictions if not seen.line(visit)]
    if lost:
        return f"no JSON line has the request_id {lost[0]!r}, which came in the header X-Request-ID"
    return unless(
        all(visit.echoed_id == visit.request_id for visit in seen.predictions),
        "the answer does not carry the request's id in X-Request-ID",
    )


def _versioned(seen: Evidence) -> str:
    return _each_line(seen, "model_version", lambda visit, value: value == visit.answer.get("model_version"))


def _predicted(seen: Evidence) -> str:
    return _each_line(seen, "prediction", lambda visit, value: _near(value, visit.price))


def _latency(seen: Evidence) -> str:
    return _each_line(
        seen, "latency_ms", lambda visit, value: isinstance(value, int | float) and 0 < value <= 1000 * visit.seconds
    )


def _each_line(seen: Evidence, name: str, fits: Any) -> str:
    for visit in seen.predictions:
        line = seen.line(visit)
        if name not in line:
            return f"no line of the request {visit.request_id!r} has {name}"
        if not fits(visit, line[name]):
            return f"{name} is {line[name]!r} for an answer {visit.answer!r} that took {1000 * visit.seconds:.1f} ms"
    return ""


def _after_predictions(claim: Callable[[Evidence], str]) -> Callable[[Evidence], str]:
    """The claim where there are predictions to judge; of none nothing holds."""
    return lambda seen: claim(seen) if seen.predictions else "there was no prediction"


def _near(value: object, price: float) -> bool:
    return isinstance(value, int | float) and math.isclose(value, price, rel_tol=1e-3)


def _private(seen: Evidence) -> str:
    return unless("@example.com" not in seen.said + seen.metrics.text, "a seller's address stands in logs or metrics")


def _noted(seen: Evidence) -> str:
    expressions = _PROMQL.findall(seen.alerts)
    if not expressions:
        return "ALERTS.md has no promql block"
    if wrong := promtool.against_expressions(expressions):
        return f"promtool refuses an expression of ALERTS.md: {wrong.splitlines()[-1].strip()}"
    read = {name for text in expressions for name in _NAME.findall(text)}
    if not read or not read <= seen.metrics.names:
        return f"ALERTS.md reads {', '.join(sorted(read - seen.metrics.names)) or 'no metric'}: not in /metrics"
    rest = _PROMQL.sub("", seen.alerts)
    return unless(len(_HOLDS.findall(rest)) >= len(expressions), "ALERTS.md does not say how long each has to hold")


CLAIMS: tuple[Claim[Evidence], ...] = (
    Claim("the API answers as before", _answers),
    Claim("/metrics can be scraped", _scrapes),
    Claim("http_requests_total counts every request by method, route and status", _counted),
    Claim("a request that raised counts as status 500", _counted_raised),
    Claim("route is the template and not the path", _bounded),
    Claim("model_inference_duration_seconds measures each inference", _after_predictions(_timed)),
    Claim("model_prediction_value holds the predicted prices", _after_predictions(_valued)),
    Claim("one JSON log line for each prediction", _after_predictions(_logged)),
    Claim("the line has the request's id, and so has the answer", _after_predictions(_identified)),
    Claim("the line has model_version", _after_predictions(_versioned)),
    Claim("the line has the prediction", _after_predictions(_predicted)),
    Claim("the line has latency_ms", _after_predictions(_latency)),
    Claim("no e-mail address in logs or metrics", _private),
    Claim("ALERTS.md has alerts that this service's metrics can answer", _noted),
)
