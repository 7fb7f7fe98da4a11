"""The checks of one stack, in the order in which they are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.clients.http import get_json
from lab.clients.loki import log_query
from lab.place import LabError
from lab.question import is_whole
from lab.slo.page import alerts_of
from lab.verify.alert import alert
from lab.verify.panels import panels
from lab.verify.stack import LOOK_BACK_S, Finding, Stack
from services import topology

EXEMPLARS = "prediction_duration_seconds_bucket"
# Sampling decides after 6 s, services export every 2 s; Tempo shows a trace by its id a second later.
TRACE_TIMEOUT_S = 40.0

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
    if stack.eventually(lambda: is_whole(stack.tempo.trace(trace_id)), TRACE_TIMEOUT_S):
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
        return {line.service for line in stack.loki.lines(query, now - LOOK_BACK_S, now + 5)}

    if stack.eventually(lambda: services() >= set(topology.SERVICES), TRACE_TIMEOUT_S):
        yield Finding("logs", "pass", f"{query} finds lines of all five services")
        return
    absent = ", ".join(sorted(set(topology.SERVICES) - services()))
    yield Finding("logs", "fail", f"{query} finds no line of {absent}", "Do these services export logs at all?")


def exemplar(stack: Stack) -> Iterator[Finding]:
    """An exemplar whose trace opens. Sampling may have dropped the traces of some."""
    now = time.time()
    found = stack.prometheus.exemplars(EXEMPLARS, now - LOOK_BACK_S, now)
    newest = sorted((each for each in found if each.trace_id), key=lambda each: each.time_s, reverse=True)
    for each in newest[:30]:
        if stack.tempo.trace(each.trace_id):
            yield Finding("exemplar", "pass", f"{EXEMPLARS} leads to trace {each.trace_id}, {each.value * 1000:.0f} ms")
            return
    text = f"none of {len(newest)} exemplars of {EXEMPLARS} leads to a trace that is kept"
    yield Finding("exemplar", "fail", text, "Is exemplar storage switched on, and is there traffic?")


def rules(stack: Stack) -> Iterator[Finding]:
    """Every alert of the repository is loaded, and can be evaluated."""
    loaded = get_json(stack.http, "Prometheus", f"{stack.place.url('prometheus')}/api/v1/rules", {})["data"]["groups"]
    health = {rule["name"]: rule["health"] for group in loaded for rule in group["rules"]}
    wanted = alerts(stack.place.root / "deploy/prometheus/rules")
    absent = [name for name in wanted if name not in health]
    broken = [name for name in wanted if health.get(name) == "err"]
    if wanted and not absent and not broken:
        yield Finding("rules", "pass", f"all {len(wanted)} alerts are loaded")
        return
    text = f"not loaded: {', '.join(absent) or 'none'}; failing: {', '.join(broken) or 'none'}"
    yield Finding("rules", "fail", text, "Compare deploy/prometheus/rules with what this Prometheus mounts.")


def alerts(folder: Path) -> list[str]:
    """Names of the alerts that are checked in."""
    return [rule["alert"] for rule in alerts_of({path.name: path.read_text() for path in sorted(folder.glob("*.yml"))})]
