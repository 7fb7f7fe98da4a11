"""Every panel's query, asked as Grafana would ask it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.verify.stack import LOOK_BACK_S, Finding, Stack
from services import topology

EMPTY = "May be empty: "  # in a panel's description, before the reason


@dataclass(frozen=True)
class Query:
    """One query of one panel; ``may_be_empty`` is the reason why a healthy system may answer nothing."""

    panel: str
    source: str
    text: str
    may_be_empty: str


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


def _answers(stack: Stack, source: str, text: str) -> bool:
    now = time.time()
    if source == "prometheus":
        found = stack.prometheus.query(text)
        return any(sample.value == sample.value for sample in found)  # NaN is no answer
    if source == "loki":
        return bool(stack.loki.lines(text, now - LOOK_BACK_S, now + 5, limit=1))
    if not text:  # the service graph, which Grafana draws from these series
        return bool(stack.prometheus.query("traces_service_graph_request_total"))
    return bool(stack.tempo.search(text, start_s=now - LOOK_BACK_S, end_s=now + 5, limit=1))
