"""``/api/slo``, ``/api/alerts``, ``/api/deployments``: what is promised, what fires, what was rolled out."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lab.clients.http import get_json, open_client
from lab.clients.loki import Loki, log_query
from lab.clients.telemetry import LogLine
from lab.console.problems import Problem
from lab.place import Place
from lab.slo.burn import FAST, PAIRS, error_ratio, ratio
from lab.slo.model import Objective, Setting, duration, read_objectives

_WITHIN_S = 10.0
_SINCE_S = 3_600.0
_MOST_DEPLOYMENTS = 500
# What every line carries, and what is told by name.
_NO_FACTS = re.compile(
    r"(service|severity|scope|telemetry|deployment|detected|observed|span|trace)_.*|logger|kind|version"
)


async def objectives(request: Request) -> Response:
    place: Place = request.app.state.place
    return JSONResponse({"objectives": await run_in_threadpool(_objectives, place.root / "deploy/slo.yaml", _scale())})


async def alerts(request: Request) -> Response:
    return JSONResponse({"alerts": await run_in_threadpool(_alerts, request.app.state.place)})


async def deployments(request: Request) -> Response:
    since = _time(request.query_params.get("since", ""))
    return JSONResponse({"deployments": await run_in_threadpool(_deployments, request.app.state.place, since)})


@lru_cache(maxsize=1)
def _objectives(path: Path, scale: float) -> list[dict[str, Any]]:
    return [objective_as_json(each, Setting(scale=scale)) for each in read_objectives(path)]


def objective_as_json(objective: Objective, setting: Setting) -> dict[str, Any]:
    """A promise with the PromQL that shows how it is kept; what goes by marketplace time has one window."""
    label = f'{{slo="{objective.name}"}}'
    if objective.marketplace_time:
        window = setting.label_window(objective.window)
        share = ratio(objective, window)
        queries = {
            "budget_query": f"1 - ({share}) / {objective.budget:g}",
            "ratio_query": share,
            "burn": [{"window": window, "query": f"({share}) / {objective.budget:g}"}],
        }
    else:
        pairs = (*FAST, *PAIRS[objective.window])
        windows = sorted({length for pair in pairs for length in (pair.short, pair.long)})
        burn = [(duration(each), f"{error_ratio(each)}{label} / {objective.budget:g}") for each in windows]
        queries = {
            "budget_query": f"slo:budget_left:ratio{label}",
            "ratio_query": f"{error_ratio(300)}{label}",
            "burn": [{"window": window, "query": query} for window, query in burn],
        }
    told = ("name", "title", "objective", "owner", "promise", "when_spent", "guards", "traces", "dashboard")
    return {
        **{name: getattr(objective, name) for name in told},
        "window_s": objective.window,
        "marketplace_time": objective.marketplace_time,
        **queries,
    }


def _alerts(place: Place) -> list[dict[str, Any]]:
    with open_client(_WITHIN_S) as http:
        found = get_json(http, "Alertmanager", f"{place.url('alertmanager')}/api/v2/alerts", {})
    return sorted(map(alert_as_json, found), key=lambda alert: (alert["severity"] != "page", alert["starts_at"]))


def alert_as_json(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Alertmanager's alert as a page shows it; its runbook is one of the console's pages."""
    labels, said = alert["labels"], alert.get("annotations") or {}
    name = labels.get("alertname", "")
    return {
        "name": name,
        "state": (alert.get("status") or {}).get("state", ""),
        "severity": labels.get("severity", ""),
        "service": labels.get("service_name", ""),
        "summary": said.get("summary", ""),
        "starts_at": _unix(alert["startsAt"]),
        "ends_at": _unix(alert["endsAt"]),
        "runbook": f"/runbooks/{name}",
        "runbook_url": said.get("runbook_url", ""),
        "dashboard_url": said.get("dashboard_url", ""),
        "traces_query": said.get("traces_query", ""),
        "labels": labels,
    }


def _deployments(place: Place, since_s: float) -> list[dict[str, Any]]:
    with open_client(_WITHIN_S) as http:
        lines = Loki(place.url("loki"), http).lines(
            log_query(contains="deployment"), since_s, time.time(), _MOST_DEPLOYMENTS
        )
    return [deployment_as_json(line) for line in lines if line.body == "deployment"]


def deployment_as_json(line: LogLine) -> dict[str, Any]:
    """One start, release or change of a canary's share."""
    labels = line.labels
    facts = {name: value for name, value in labels.items() if not _NO_FACTS.fullmatch(name)}
    kind, version = labels.get("kind", ""), labels.get("version", "")
    changed = ", ".join(f"{name} {value}" for name, value in facts.items())
    return {
        "time": line.time_ns / 1e9,
        "service": line.service,
        "kind": kind,
        "version": version,
        "text": f"{line.service}: {kind} {changed or version}".strip(),
        "facts": facts,
    }


def _time(text: str) -> float:
    try:
        since = float(text) if text else time.time() - _SINCE_S
    except ValueError:
        since = math.nan
    if not 0 <= since < 1e11:
        raise Problem(400, f"since is {text[:40]!r}, no Unix time.", "Seconds since 1970, such as 1700000000.")
    return since


def _scale() -> float:
    return float(os.environ.get("FAULTLINE_TIME_SCALE") or 1)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
