"""What a container engine and a cluster need before they start: secrets for their addresses, and data folders."""

from __future__ import annotations

import configparser
import json
import os
import shutil
from pathlib import Path

from lab.place import HOST, LabError, Place
from lab.players import read_players
from lab.slo.model import Setting
from lab.stack import files, grafana, secrets
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


def rules_dir(place: Place) -> Path:
    return data_dir(place) / "rules"


def prepare(place: Place, time_scale: float = 1.0) -> dict[str, Path]:
    """Make what is absent, and answer every secret file by the name under which a container finds it.

    Rules are written for the speed of the marketplace's clock, with those of drills: drills are played here.
    """
    secrets.ensure_secrets(place)
    grafana.ensure_password(place)
    secrets.write_private(place.secrets_dir / "players", _players(os.environ.get("FAULTLINE_PLAYERS", "")))
    write_rules(place, rules_dir(place), time_scale)
    folder = data_dir(place)
    for name in DATA:
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy2(secrets.write_acl(place), folder / "users.acl")
    secrets.write_private(folder / "redis_exporter.json", json.dumps(_exporter_passwords(place)))
    if os.getuid() == 0:
        _give_away(place.secrets_dir, folder)
    names = ("users.acl", "redis_exporter.json")
    plain = {path.name: path for path in sorted(place.secrets_dir.iterdir()) if path.name not in names}
    return plain | {name: folder / name for name in names}


def write_rules(place: Place, folder: Path, time_scale: float) -> None:
    """Rules whose links lead to the console and the Grafana that containers publish."""
    console, dashboards = (f"http://{HOST}:{port + place.offset}" for port in (topology.BACKENDS["lab"], grafana.PORT))
    files.write_rules(place, folder, Setting(time_scale, console=console, dashboards=f"{dashboards}/d"))


def write_pip_configuration(place: Place) -> Path:
    """For the image's build: pip's configuration as PIP_CONFIG_FILE names it, with FAULTLINE_TORCH_INDEX added."""
    configuration = configparser.RawConfigParser()
    configuration.read(os.environ.get("PIP_CONFIG_FILE", os.devnull))
    if index := os.environ.get("FAULTLINE_TORCH_INDEX"):
        if not configuration.has_section("global"):
            configuration.add_section("global")
        others = configuration.get("global", "extra-index-url", fallback="")
        configuration.set("global", "extra-index-url", f"{others} {index}".strip())
    path = data_dir(place) / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    secrets.write_private(path, "")  # an index's address can hold a password
    with path.open("w") as file:
        configuration.write(file)
    return path


def _players(path: str) -> str:
    """The players' names and tokens; nothing where there is no team. Raises LabError for a file that names none."""
    if not path:
        return ""
    players = read_players(Path(path).expanduser())
    if not players:
        raise LabError(f"{path} does not hold a line NAME:TOKEN for each player.", "Write one, then start again.")
    return "".join(f"{name}:{token}\n" for name, token in players.items())


def _exporter_passwords(place: Place) -> dict[str, str]:
    """By address as the exporter looks it up: with the user's name in newer versions, without in older ones."""
    password = place.secret("redis_exporter")
    port = topology.BACKENDS["redis"]
    return {f"redis://{user}redis:{port}": password for user in ("", "exporter@")}


def _give_away(*folders: Path) -> None:
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
