"""What the pager keeps: incidents by their key, tickets, and every event in order; bounded, in memory."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

ACTIONS = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}
SEVERITIES = ("critical", "error", "warning", "info")
KEPT = 500


class Invalid(ValueError):
    """An event that PagerDuty would refuse; ``args`` are its reasons."""


@dataclass
class Incident:
    """One incident, as the events told it. Times are Unix seconds."""

    key: str
    status: str
    summary: str
    severity: str
    source: str
    links: list[dict[str, str]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    triggered_at: float = 0.0
    resolved_at: float | None = None


class Inbox:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._incidents: OrderedDict[str, Incident] = OrderedDict()
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._tickets: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def enqueue(self, event: dict[str, Any]) -> str:
        """Take one event of the Events API v2; its dedup key. Raises Invalid."""
        if problems := _problems(event):
            raise Invalid(*problems)
        key = str(event.get("dedup_key") or f"{time.time_ns():x}")
        with self._lock:
            self._events.append({"at": time.time(), "action": event["event_action"], "key": key})
            self._apply(key, event)
        return key

    def ticket(self, notification: dict[str, Any]) -> None:
        """Take one notification of Alertmanager's webhook."""
        with self._lock:
            self._tickets.append({"at": time.time(), **notification})

    def incidents(self) -> list[dict[str, Any]]:
        """Newest first."""
        with self._lock:
            return [asdict(incident) for incident in reversed(self._incidents.values())]

    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._events)

    def tickets(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._tickets)

    def _apply(self, key: str, event: dict[str, Any]) -> None:
        status = ACTIONS[event["event_action"]]
        known = self._incidents.get(key)
        if status == "triggered" and (known is None or known.status == "resolved"):
            self._open(key, event)
        elif known is not None and status != "triggered":
            known.status = status
            known.resolved_at = time.time() if status == "resolved" else None

    def _open(self, key: str, event: dict[str, Any]) -> None:
        payload = event["payload"]
        self._incidents.pop(key, None)
        self._incidents[key] = Incident(
            key=key,
            status="triggered",
            summary=payload["summary"],
            severity=payload["severity"],
            source=payload["source"],
            links=event.get("links") or [],
            details=payload.get("custom_details") or {},
            triggered_at=time.time(),
        )
        while len(self._incidents) > KEPT:
            self._incidents.popitem(last=False)


def _problems(event: dict[str, Any]) -> list[str]:
    """What the Events API v2 requires and this event lacks."""
    found = []
    if not isinstance(event.get("routing_key"), str) or not event["routing_key"]:
        found.append("'routing_key' is missing or blank")
    action = event.get("event_action")
    if not isinstance(action, str) or action not in ACTIONS:
        return [*found, "'event_action' must be one of trigger, acknowledge, resolve"]
    if action != "trigger":
        return found if event.get("dedup_key") else [*found, "'dedup_key' is missing or blank"]
    payload = event.get("payload")
    if not isinstance(payload, dict):
        return [*found, "'payload' is missing or blank"]
    found += [f"'payload.{name}' is missing or blank" for name in ("summary", "source") if not payload.get(name)]
    if payload.get("severity") not in SEVERITIES:
        found.append(f"'payload.severity' must be one of {', '.join(SEVERITIES)}")
    return found
