"""Objectives read from deploy/slo.yaml, and the pieces that rules are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Rule = dict[str, Any]
MINUTE, HOUR, DAY = 60, 3_600, 86_400
_UNITS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}


@dataclass(frozen=True)
class Objective:
    """One promise. ``good`` and ``total`` are PromQL with ``$window``; ``window`` is in seconds.

    A window in ``marketplace_time`` shrinks with the clock's scale; latency and availability are real seconds.
    """

    name: str
    title: str
    objective: float
    window: int
    owner: str
    good: str
    total: str
    traces: str
    dashboard: str
    promise: str
    when_spent: str
    guards: str
    marketplace_time: bool = False

    @property
    def budget(self) -> float:
        """Share of events that may be bad."""
        return round(1 - self.objective, 6)


@dataclass(frozen=True)
class Setting:
    """For whom rules are made: how fast the marketplace's clock runs, and where links of an alert lead.

    ``fast`` makes the set for drills: the same objectives and thresholds in windows of two minutes.
    """

    scale: float = 1.0
    fast: bool = False
    console: str = "http://localhost:8080"
    dashboards: str = "http://localhost:3000/d"

    def label_window(self, marketplace_s: float) -> str:
        """A window of the marketplace's in ours, at least two minutes: shorter ones hold too few scrapes."""
        return duration(max(2 * MINUTE, marketplace_s / self.scale))


@dataclass(frozen=True)
class Alert:
    """An alert, and what whoever is paged needs: where to read on, and which query shows the culprit's traces."""

    name: str
    expr: str
    held: str
    severity: str
    summary: str
    dashboard: str
    traces: str
    fires_within: str
    labels: dict[str, str] = field(default_factory=dict)

    def rule(self, setting: Setting) -> Rule:
        """As Prometheus reads it. The fast set keeps the names, and says what it is by a label."""
        labels = {"severity": self.severity, **self.labels, **({"set": "drill"} if setting.fast else {})}
        annotations = {
            "summary": self.summary,
            "runbook_url": f"{setting.console}/runbooks/{self.name}",
            "dashboard_url": f"{setting.dashboards}/{self.dashboard}",
            "traces_query": self.traces,
            "fires_within": self.fires_within,
        }
        return {"alert": self.name, "expr": self.expr, "for": self.held, "labels": labels, "annotations": annotations}


def read_objectives(path: Path) -> list[Objective]:
    """Raises TypeError for an entry with a missing or unknown field."""
    entries = yaml.safe_load(path.read_text())["objectives"]
    return [Objective(**{**entry, "window": seconds(entry["window"])}) for entry in entries]


def record(name: str, expr: str, **labels: str) -> Rule:
    rule: Rule = {"record": name, "expr": expr}
    return {**rule, "labels": labels} if labels else rule


def group(name: str, rules: list[Rule], interval: str = "") -> dict[str, Any]:
    return {"name": name, **({"interval": interval} if interval else {}), "rules": rules}


def seconds(text: str) -> int:
    """``30d`` as seconds."""
    return int(text[:-1]) * _UNITS[text[-1]]


def duration(length: float) -> str:
    """Seconds as Prometheus writes them, in the largest unit that is exact."""
    whole = round(length)
    unit = next(unit for unit in ("d", "h", "m", "s") if whole % _UNITS[unit] == 0)
    return f"{whole // _UNITS[unit]}{unit}"
