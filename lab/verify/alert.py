"""One test alert, from Alertmanager to its receiver."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx
import yaml

from lab.clients.http import get_json
from lab.place import LabError
from lab.verify.stack import Finding, Stack

ALERT_TIMEOUT_S = 40.0


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
        elif stack.eventually(lambda: _notifications(stack) > before, ALERT_TIMEOUT_S):
            yield Finding("alert", "pass", f"handed to {', '.join(receivers)}")
        else:
            yield Finding("alert", "fail", f"{', '.join(receivers)} was not notified", "See Alertmanager's log.")
    finally:
        _post_alert(stack, name, time.time())


def _raise_alert(stack: Stack, name: str) -> list[str]:
    """Send the test alert; answers the receivers that Alertmanager routes it to."""
    _post_alert(stack, name, time.time() + 120)
    found: list[str] = []

    def routed() -> bool:
        url = f"{_url(stack)}/api/v2/alerts"
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
        stack.http.post(f"{_url(stack)}/api/v2/alerts", json=[body]).raise_for_status()
    except httpx.HTTPError as error:
        raise LabError(
            f"Alertmanager does not take an alert: {error}", "`faultline status` shows what runs."
        ) from error


def _integrations(stack: Stack) -> bool:
    """Whether any receiver hands alerts on (to PagerDuty, a webhook …)."""
    status: dict[str, Any] = get_json(stack.http, "Alertmanager", f"{_url(stack)}/api/v2/status", {})
    config = yaml.safe_load(status["config"]["original"])
    return any(name.endswith("_configs") for receiver in config["receivers"] for name in receiver)


def _notifications(stack: Stack) -> float:
    """How many notifications Alertmanager has delivered since it started."""
    try:
        text = stack.http.get(f"{_url(stack)}/metrics").text
    except httpx.HTTPError as error:
        raise LabError(f"Alertmanager cannot be reached: {error}", "`faultline status` shows what runs.") from error

    def total(name: str) -> float:
        return sum(float(value) for value in re.findall(rf"^{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE))

    return total("alertmanager_notifications_total") - total("alertmanager_notifications_failed_total")


def _url(stack: Stack) -> str:
    return stack.place.url("alertmanager")
