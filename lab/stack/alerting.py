"""Alertmanager's one configuration, with this stack's pager and routing key put in."""

from __future__ import annotations

from pathlib import Path

from lab.place import Place

PAGER = "http://lab:9095"
ROUTING_KEY_FILE = "/run/secrets/pagerduty_routing_key"


def alertmanager_config(place: Place) -> Path:
    """Where Alertmanager of this stack finds it."""
    return place.run_dir / "alertmanager.yml"


def write_alertmanager_config(place: Place) -> None:
    """Alertmanager reads no environment, so the ports of this stack have to stand in its file."""
    text = (place.root / "deploy/alertmanager/alertmanager.yml").read_text()
    key = place.secrets_dir / "pagerduty_routing_key"
    text = text.replace(PAGER, place.url("pager")).replace(ROUTING_KEY_FILE, str(key))
    alertmanager_config(place).write_text(text)
