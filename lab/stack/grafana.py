"""An installed Grafana beside the local stack, on the clusters' provisioning: their data sources, their dashboards."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from lab.place import HOST, LabError, Place
from lab.stack.secrets import write_private

PORT = 3000
_FLAVOURS = ("bin/grafana", "bin/grafana-server")


def command(place: Place, home: Path) -> tuple[list[str], dict[str, str]]:
    """(command, environment) that run the Grafana whose files lie in ``home``. Raises LabError where there is none."""
    program = next((home / name for name in _FLAVOURS if os.access(home / name, os.X_OK)), None)
    if program is None:
        raise LabError(
            f"There is no Grafana in {home}.",
            "Give the folder of an unpacked Grafana 13: faultline grafana --home DIR",
        )
    server = [str(program), "server"] if program.name == "grafana" else [str(program)]
    return [*server, "--homepath", str(home), "--config", str(place.root / "deploy/grafana/grafana.ini")], {
        **_paths(place),
        **_sources(place),
        "GF_SERVER_HTTP_ADDR": HOST,
        "GF_SERVER_HTTP_PORT": str(PORT + place.offset),
        "GF_SECURITY_ADMIN_PASSWORD__FILE": str(ensure_password(place)),
    }


def run(place: Place, home: Path) -> None:
    """Become that Grafana, until it is interrupted."""
    words, environment = command(place, home)
    os.execve(words[0], words, {**os.environ, **environment})


def _paths(place: Place) -> dict[str, str]:
    data = place.run_dir / "grafana"
    data.mkdir(parents=True, exist_ok=True)
    return {
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PROVISIONING": str(place.root / "deploy/grafana/provisioning"),
        "FAULTLINE_DASHBOARDS": str(place.root / "deploy/grafana/dashboards"),
    }


def _sources(place: Place) -> dict[str, str]:
    """Where the provisioned data sources are: the store answers for Tempo and Loki."""
    store = place.url("telemetry_store")
    return {
        "FAULTLINE_TEMPO_URL": store,
        "FAULTLINE_LOKI_URL": store,
        "FAULTLINE_PROMETHEUS_URL": place.url("prometheus"),
        "FAULTLINE_ALERTMANAGER_URL": place.url("alertmanager"),
    }


def ensure_password(place: Place) -> Path:
    """The file with the administrator's password, made on the first call."""
    path = place.secrets_dir / "grafana_admin_password"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(24))
    return path
