"""What a container engine and a cluster need before they start: secrets for their addresses, and data folders."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from secrets import token_urlsafe

from lab.place import Place
from lab.stack import secrets
from services import topology

# Folders that containers write to; each belongs to the user that they run as.
DATA = ("redis", "otelcol", "tempo", "loki", "prometheus", "alertmanager", "grafana", "lab")
# Whom containers run as where the person who starts them is root: nothing runs as root.
NOBODY = 10001


def data_dir(place: Place) -> Path:
    return place.run_dir / "compose"


def owner() -> tuple[int, int]:
    """User and group that the containers run as: those of the person who starts them, unless that is root."""
    uid, gid = os.getuid(), os.getgid()
    return (uid, gid) if uid else (NOBODY, NOBODY)


def prepare(place: Place) -> dict[str, Path]:
    """Make what is absent, and answer every secret file by the name under which a container finds it."""
    secrets.ensure_secrets(place)
    password = place.secrets_dir / "grafana_admin_password"
    if not password.exists():
        secrets.write_private(password, token_urlsafe(24))
    folder = data_dir(place)
    for name in DATA:
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy2(secrets.write_acl(place), folder / "users.acl")
    secrets.write_private(folder / "redis_exporter.json", json.dumps(_exporter_passwords(place)))
    if os.getuid() == 0:
        _give_away(place.secrets_dir, folder)
    names = ("users.acl", "redis_exporter.json")
    files = {path.name: path for path in sorted(place.secrets_dir.iterdir()) if path.name not in names}
    return files | {name: folder / name for name in names}


def _exporter_passwords(place: Place) -> dict[str, str]:
    """By address as the exporter looks it up: with the user's name in newer versions, without in older ones."""
    password = (place.secrets_dir / "redis_exporter").read_text().strip()
    port = topology.BACKENDS["redis"]
    return {f"redis://{user}redis:{port}": password for user in ("", "exporter@")}


def _give_away(*folders: Path) -> None:
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
