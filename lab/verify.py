"""``python -m lab.verify`` asks a running stack, by its APIs alone, whether it shows what it should, in any mode.

Each check says pass or fail and, where it failed, the next step.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import httpx
import yaml

from lab.cli.first_trace import ask_for, is_whole
from lab.cli.output import console
from lab.clients.gateway import Gateway
from lab.clients.http import get_json, open_client
from lab.clients.loki import Loki, log_query
from lab.clients.prometheus import Prometheus
from lab.clients.tempo import Tempo
from lab.place import LabError, Place
from services import topology

Outcome = Literal["pass", "fail", "skip"]
EMPTY = "May be empty: "  # in a panel's description, before the reason
EXEMPLARS = "prediction_duration_seconds_bucket"
# Sampling decides after 6 s, services export every 2 s; Tempo shows a trace by its id a second later.
_TRACE_TIMEOUT_S = 40.0
_ALERT_TIMEOUT_S = 40.0
_LOOK_BACK_S = 900.0
_POLL_S = 1.0
_TRIES = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was checked. ``next_step`` is empty unless it failed."""

    check: str
    outcome: Outcome
    text: str
    next_step: str = ""


@dataclass(frozen=True)
class Addresses:
    """Base URLs of a stack."""

    gateway: str
    tempo: str
    loki: str
    prometheus: str
    alertmanager: str

    @classmethod
    def of(cls, place: Place, environment: Mapping[str, str] = os.environ) -> Addresses:
        """FAULTLINE_TEMPO_URL and the like where they are set (the clusters), else the local stack's."""
        names = ("gateway", "tempo", "loki", "prometheus", "alertmanager")
        return cls(*(environment.get(f"FAULTLINE_{name.upper()}_URL") or place.url(name) for name in names))


@dataclass(frozen=True)
class Query:
    """One query of one panel; ``may_be_empty`` is the reason why a healthy system may answer nothing."""

    panel: str
    source: str
    text: str
    may_be_empty: str


class Stack:
    """A running stack and what the repository says it should show."""

    def __init__(self, place: Place, addresses: Addresses, http: httpx.Client) -> None:
        self.place, self.addresses, self.http = place, addresses, http
        self.tempo = Tempo(addresses.tempo, http)
        self.loki = Loki(addresses.loki, http)
        self.prometheus = Prometheus(addresses.prometheus, http)

    @cached_property
    def trace_id(self) -> str:
        """Of one complete prediction that was sent for this verification; a busy machine gets several tries."""
        ask = ask_for()
        gateway = Gateway(self.addresses.gateway, self.place.api_key(), self.http)
        problem: LabError | None = None
        for _ in range(_TRIES):
            try:
                answer = gateway.predict(ask, baggage=f"session.id=learner-{ask.user_id}")
            except LabError as error:
                problem = error
            else:
                if not answer.get("degraded"):
                    return str(answer["trace_id"])
                missing = ", ".join(answer.get("missing", []))
                problem = LabError(f"Predictions are degraded: they go without {missing}.", "Look at the overview.")
            time.sleep(_POLL_S)
        raise problem or LabError("No prediction was tried.")

    def eventually(self, holds: Callable[[], bool], within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True


Check = Callable[[Stack], Iterator[Finding]]


def verify(stack: Stack) -> Iterator[Finding]:
    """Every check's findings, one by one. A backend that cannot be reached fails its check, not the rest."""
    for check in (trace, logs, exemplar, panels, rules, alert):
        name = check.__name__
        try:
            yield from check(stack)
        except LabError as error:
            yield Finding(name, "fail", str(error), error.next_step)


def trace(stack: Stack) -> Iterator[Finding]:
    """One prediction's trace, over all five services, under one root."""
    trace_id = stack.trace_id
    if stack.eventually(lambda: is_whole(stack.tempo.trace(trace_id)), _TRACE_TIMEOUT_S):
        count = len(stack.tempo.trace(trace_id))
        yield Finding("trace", "pass", f"{trace_id} has {count} spans over {len(topology.SERVICES)} services")
        return
    seen = {span.service for span in stack.tempo.trace(trace_id)}
    absent = ", ".join(sorted(set(topology.SERVICES) - seen)) or "none, but it has orphans"
    yield Finding("trace", "fail", f"{trace_id} is not whole; services missing: {absent}", "Look at telemetry health.")


def logs(stack: Stack) -> Iterator[Finding]:
    """The same prediction's lines, found by its trace id."""
    query = log_query(trace_id=stack.trace_id)

    def services() -> set[str]:
        now = time.time()
        return {line.service for line in stack.loki.lines(query, now - _LOOK_BACK_S, now + 5)}

    if stack.eventually(lambda: services() >= set(topology.SERVICES), _TRACE_TIMEOUT_S):
        yield Finding("logs", "pass", f"{query} finds lines of all five services")
        return
    absent = ", ".join(sorted(set(topology.SERVICES) - services()))
    yield Finding("logs", "fail", f"{query} finds no line of {absent}", "Do these services export logs at all?")


def exemplar(stack: Stack) -> Iterator[Finding]:
    """An exemplar whose trace opens. Sampling may have dropped the traces of some."""
    now = time.time()
    found = stack.prometheus.exemplars(EXEMPLARS, now - _LOOK_BACK_S, now)
    newest = sorted((each for each in found if each.trace_id), key=lambda each: each.time_s, reverse=True)
    for each in newest[:30]:
        if stack.tempo.trace(each.trace_id):
            yield Finding("exemplar", "pass", f"{EXEMPLARS} leads to trace {each.trace_id}, {each.value * 1000:.0f} ms")
            return
    text = f"none of {len(newest)} exemplars of {EXEMPLARS} leads to a trace that is kept"
    yield Finding("exemplar", "fail", text, "Is exemplar storage switched on, and is there traffic?")


def panels(stack: Stack) -> Iterator[Finding]:
    """Every panel's query answers something, but for those that say why they may not."""
    asked = queries(stack.place.root / "deploy/grafana/dashboards")
    empty = [query for query in asked if not answers(stack, query)]
    wrong = [query for query in empty if not query.may_be_empty]
    for query in wrong:
        yield Finding("panels", "fail", f"{query.panel} is empty: {query.text}", "Ask by hand; is there traffic?")
    for panel, reason in {query.panel: query.may_be_empty for query in empty if query not in wrong}.items():
        yield Finding("panels", "skip", f"{panel}: nothing now; {reason}")
    if not asked:
        yield Finding("panels", "fail", "there are no dashboards", "Run: python -m deploy.grafana.build")
    elif not wrong:
        yield Finding(
            "panels", "pass", f"{len(asked) - len(empty)} of {len(asked)} queries answer, the others need not"
        )


def rules(stack: Stack) -> Iterator[Finding]:
    """Every alert of the repository is loaded, and can be evaluated."""
    loaded = get_json(stack.http, "Prometheus", f"{stack.addresses.prometheus}/api/v1/rules", {})["data"]["groups"]
    health = {rule["name"]: rule["health"] for group in loaded for rule in group["rules"]}
    wanted = alerts(stack.place.root / "deploy/prometheus/rules")
    absent = [name for name in wanted if name not in health]
    broken = [name for name in wanted if health.get(name) == "err"]
    if wanted and not absent and not broken:
        yield Finding("rules", "pass", f"all {len(wanted)} alerts are loaded")
        return
    text = f"not loaded: {', '.join(absent) or 'none'}; failing: {', '.join(broken) or 'none'}"
    yield Finding("rules", "fail", text, "Compare deploy/prometheus/rules with what this Prometheus mounts.")


def alert(stack: Stack) -> Iterator[Finding]:
    """One alert sent to Alertmanager is taken, routed, and handed to its receiver."""
    # A name of its own: within a known group Alertmanager would wait for the group's next turn.
    name = f"Verification{secrets.token_hex(3)}"
    before = _notifications(stack)
    receivers = _raise_alert(stack, name)
    try:
        if not receivers:
            yield Finding(
                "alert", "fail", "Alertmanager took the test alert and routed it nowhere", "Look at its routes."
            )
        elif not _integrations(stack):
            yield Finding("alert", "skip", f"routed to {', '.join(receivers)}, which hands on to nobody yet")
        elif stack.eventually(lambda: _notifications(stack) > before, _ALERT_TIMEOUT_S):
            yield Finding("alert", "pass", f"handed to {', '.join(receivers)}")
        else:
            yield Finding("alert", "fail", f"{', '.join(receivers)} was not notified", "See Alertmanager's log.")
    finally:
        _post_alert(stack, name, time.time())


def queries(folder: Path) -> list[Query]:
    """Every query of every panel that is checked in."""
    return [
        Query(
            f"{path.stem}: {panel['title']}",
            target["datasource"]["uid"],
            target.get("expr") or target.get("query") or "",
            panel.get("description", "").partition(EMPTY)[2],
        )
        for path in sorted(folder.glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", [])
    ]


def answers(stack: Stack, query: Query) -> bool:
    """Whether a query answers anything, for any service or model where it has such a variable."""
    return any(_answers(stack, query.source, text) for text in filled(query.text))


def filled(text: str) -> list[str]:
    """A query with Grafana's variables replaced: one text for each value of a dashboard's variable.

    >>> filled('up[$__rate_interval]')
    ['up[1m]']
    """
    plain = text.replace("$__rate_interval", "1m").replace("$__range", "15m").replace("$__interval", "15s")
    models = [model for service in topology.SERVICES.values() for model in service.models]
    for name, values in (("$service", list(topology.SERVICES)), ("$model", models)):
        if re.search(rf"{re.escape(name)}\b", plain):
            return [plain.replace(name, value) for value in values]
    return [plain]


def alerts(folder: Path) -> list[str]:
    """Names of the alerts that are checked in."""
    groups = [group for path in sorted(folder.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]


def _answers(stack: Stack, source: str, text: str) -> bool:
    now = time.time()
    if source == "prometheus":
        found = stack.prometheus.query(text)
        return any(sample.value == sample.value for sample in found)  # NaN is no answer
    if source == "loki":
        return bool(stack.loki.lines(text, now - _LOOK_BACK_S, now + 5, limit=1))
    if not text:  # the service graph, which Grafana draws from these series
        return bool(stack.prometheus.query("traces_service_graph_request_total"))
    return bool(stack.tempo.search(text, start_s=now - _LOOK_BACK_S, end_s=now + 5, limit=1))


def _raise_alert(stack: Stack, name: str) -> list[str]:
    """Send the test alert; answers the receivers that Alertmanager routes it to."""
    _post_alert(stack, name, time.time() + 120)
    found: list[str] = []

    def routed() -> bool:
        url = f"{stack.addresses.alertmanager}/api/v2/alerts"
        active = get_json(stack.http, "Alertmanager", url, {"filter": f'alertname="{name}"'})
        found[:] = [receiver["name"] for each in active for receiver in each["receivers"]]
        return bool(found)

    stack.eventually(routed, 10)
    return found


def _post_alert(stack: Stack, name: str, ends_s: float) -> None:
    body = {
        "labels": {"alertname": name, "service_name": "lab", "severity": "page"},
        "annotations": {"summary": "A test alert of `make verify`; it resolves by itself."},
        "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends_s)),
    }
    try:
        stack.http.post(f"{stack.addresses.alertmanager}/api/v2/alerts", json=[body]).raise_for_status()
    except httpx.HTTPError as error:
        raise LabError(
            f"Alertmanager does not take an alert: {error}", "`faultline status` shows what runs."
        ) from error


def _integrations(stack: Stack) -> bool:
    """Whether any receiver hands alerts on (to PagerDuty, a webhook …)."""
    status: dict[str, Any] = get_json(stack.http, "Alertmanager", f"{stack.addresses.alertmanager}/api/v2/status", {})
    config = yaml.safe_load(status["config"]["original"])
    return any(name.endswith("_configs") for receiver in config["receivers"] for name in receiver)


def _notifications(stack: Stack) -> float:
    """How many notifications Alertmanager has delivered since it started."""
    try:
        text = stack.http.get(f"{stack.addresses.alertmanager}/metrics").text
    except httpx.HTTPError as error:
        raise LabError(f"Alertmanager cannot be reached: {error}", "`faultline status` shows what runs.") from error

    def total(name: str) -> float:
        return sum(float(value) for value in re.findall(rf"^{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE))

    return total("alertmanager_notifications_total") - total("alertmanager_notifications_failed_total")


def main() -> None:
    """Exits with 1 where a check failed."""
    parser = argparse.ArgumentParser(prog="python -m lab.verify", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    as_json = parser.parse_args().json
    place = Place.from_environment()
    with open_client() as http:
        found = _shown(verify(Stack(place, Addresses.of(place), http)), quiet=as_json)
    if as_json:
        json.dump([asdict(finding) for finding in found], sys.stdout, indent=1)
    sys.exit(1 if any(finding.outcome == "fail" for finding in found) else 0)


def _shown(findings: Iterator[Finding], *, quiet: bool) -> list[Finding]:
    out, seen = console(), []
    for finding in findings:
        seen.append(finding)
        if not quiet:
            out.print(f"{finding.outcome:<5} {finding.check:<9} {finding.text}", markup=False, soft_wrap=True)
            if finding.next_step:
                out.print(f"      Next: {finding.next_step}", markup=False, soft_wrap=True)
    return seen


if __name__ == "__main__":
    main()
