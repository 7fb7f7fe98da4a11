"""How a drill begins: a real alert where one fires in time, else a user's complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lab.campaign.truth import Truth
from lab.clients.prometheus import Prometheus
from lab.drills.words import complaint

PATIENCE_S = 90.0
POLL_S = 2.0


def now(prometheus: Prometheus, truths: Sequence[Truth], seed: int, began_s: float, *, late: bool) -> str:
    """The first alert that fires after the drill began, in a line; once it is ``late``, a complaint; else nothing."""
    return first_new(prometheus.alerts(), began_s) or (complaint(truths, seed) if late else "")


def first_new(alerts: Sequence[Mapping[str, Any]], began_s: float) -> str:
    """The oldest firing alert that became active after the drill began, in one line; nothing if there is none."""
    new = [each for each in alerts if each["state"] == "firing" and _active(each) > began_s]
    if not new:
        return ""
    first = min(new, key=_active)
    said = first["annotations"].get("summary", "")
    return f"Alert {first['labels']['alertname']}: {said}"


def _active(alert: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(alert["activeAt"].replace("Z", "+00:00")).timestamp()
