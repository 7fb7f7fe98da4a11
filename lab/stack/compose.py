"""The stack under Docker Compose. `faultline` on the host runs its commands in the lab's container."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from lab.place import HOST, LabError, Place
from lab.stack import grafana, tools
from lab.stack import run as runs
from lab.stack.accounts import give_accounts
from lab.stack.options import Options
from lab.stack.prepared import data_dir, owner, prepare, rules_dir, write_pip_configuration
from lab.stack.progress import Progress, Silent
from lab.stack.status import ProgramStatus

FILES = ("deploy/compose.yaml", "deploy/compose.observability.yaml")
READY_TIMEOUT_S = 300.0
_PROBE_S = 10.0
_BUILD_S = 3600.0
_POLL_S = 1.0
# Host ports that follow FAULTLINE_PORT_OFFSET; inside, every port stays the topology's.
PUBLISHED = {"gateway": 8000, "lab": 8080, "grafana": grafana.PORT}


def obstacle(place: Place) -> str | None:
    """Why Compose cannot be used here; None where it can. Takes 10 seconds at most for each of three questions."""
    if reason := _engine_obstacle(place):
        return reason
    missing = [image for image in _images(place) if not _present(place, image)]
    if missing and not _reachable(place, missing[0]):
        return f"{len(missing)} images are neither here nor to be pulled ({missing[0]} …)"
    return None


def _engine_obstacle(place: Place) -> str | None:
    questions = (
        ("there is no Compose v2", ("docker", "compose", "version")),
        ("no engine answers", ("docker", "info", "--format", "{{.ServerVersion}}")),
    )
    for reason, command in questions:
        try:
            tools.run(*command, cwd=place.root, timeout_s=_PROBE_S)
        except LabError:
            return reason
    return None


def up(
    place: Place,
    options: Options | None = None,
    progress: Progress | None = None,
    timeout_s: float = READY_TIMEOUT_S,
) -> bool:
    """Build, start, and wait until every container is ready; False if all were ready already.

    Raises LabError where a tool is missing or a container does not become ready; ``down`` stops what runs.
    """
    told, chosen = progress or Silent(), options or Options()
    if not chosen.telemetry:
        raise LabError("Without telemetry there is only the local target.", "Use `faultline up --target local`.")
    tools.require("docker")
    if reason := _engine_obstacle(place):
        raise LabError(f"Compose cannot be used: {reason}.", tools.GET["docker"])
    if is_up(place):
        return False
    told.step("Preparing secrets, rules and data folders")
    prepare(place, chosen.time_scale)
    write_pip_configuration(place)
    runs.write_run(place, runs.new_run(place, chosen, "compose"))
    told.step("Building the image and starting the containers")
    scale = ("--scale", f"traffic={0 if chosen.traffic_rate == 0 else 1}")
    _compose(place, chosen, "up", "--detach", "--build", "--quiet-pull", *scale, timeout_s=_BUILD_S, shown=True)
    _wait(place, told, timeout_s)
    if players := give_accounts(place, f"http://{HOST}:{grafana.PORT + place.offset}"):
        told.step(f"Grafana has accounts for {', '.join(players)}")
    return True


def down(place: Place, progress: Progress | None = None) -> bool:
    """Stop and remove the containers and their network; data and secrets stay. False if nothing ran."""
    told = progress or Silent()
    ran = bool(_containers(place))
    if ran:
        told.step("Stopping the containers")
        _compose(place, Options(), "down", "--timeout", "15", timeout_s=120)
    runs.forget_run(place)  # not before: what could not be stopped has to be found again
    return ran


def reset(place: Place, progress: Progress | None = None) -> None:
    """Stop the containers and wipe what they have written; keys stay."""
    told = progress or Silent()
    down(place, told)
    told.step(f"Wiping {place.shown(data_dir(place))}")
    shutil.rmtree(data_dir(place), ignore_errors=False)


def is_up(place: Place) -> bool:
    rows = status(place)
    return bool(rows) and all(row.ready for row in rows)


def status(place: Place) -> list[ProgramStatus]:
    """Every container; an empty list where none is."""
    return [_row(each) for each in _containers(place)]


def project(place: Place) -> str:
    """The name before every container's; stacks side by side differ in it."""
    return f"faultline-{place.offset}" if place.offset else "faultline"


def run_inside(place: Place, arguments: Sequence[str]) -> int:
    """Run `faultline ARGUMENTS` in the lab's container, with this terminal; answers its exit code."""
    terminal = () if sys.stdin.isatty() and sys.stdout.isatty() else ("--no-TTY",)
    command = [tools.require("docker"), "compose", *_files(place), "exec", *terminal, "lab", "python", "-m", "lab"]
    command += arguments
    environment = {**os.environ, **_environment(place, Options())}
    return subprocess.run(command, cwd=place.root, env=environment, check=False).returncode


def _wait(place: Place, told: Progress, timeout_s: float) -> None:
    began, ready = time.monotonic(), set[str]()
    while True:
        rows = status(place)
        waiting = {row.name: row.reason for row in rows if not row.ready}
        for row in rows:
            if row.ready and row.name not in ready:
                ready.add(row.name)
                told.ready(row.name, time.monotonic() - began)
        if rows and not waiting:
            return
        if time.monotonic() - began > timeout_s:
            reasons = "\n".join(f"  {name}: {reason}" for name, reason in waiting.items())
            raise LabError(f"Not ready after {timeout_s:g} s:\n{reasons}", "`docker compose logs NAME` says more.")
        for name, reason in waiting.items():
            told.waiting(name, reason)
        time.sleep(_POLL_S)


def _row(container: dict[str, Any]) -> ProgramStatus:
    reason = _reason(container)
    ports = tuple(sorted({int(each["PublishedPort"]) for each in container.get("Publishers") or []} - {0}))
    return ProgramStatus(
        container["Service"],
        container["State"].upper(),
        not reason,
        reason,
        pid=0,
        ports=ports,
        uptime_s=0,
        memory_mb=0.0,
    )


def _reason(container: dict[str, Any]) -> str:
    """Why a container is not ready; empty where it is. One that has ended well has done its work."""
    state, health = container["State"], container.get("Health", "")
    if state == "exited":
        return "" if container.get("ExitCode") == 0 else f"ended with exit code {container.get('ExitCode')}"
    if state != "running":
        return str(state)
    return "" if health in ("", "healthy") else str(health)


def _containers(place: Place) -> list[dict[str, Any]]:
    """What Compose says of each container: one JSON object a line, or, in older versions, one list."""
    text = _compose(place, Options(), "ps", "--all", "--format", "json").strip()
    if text.startswith("["):
        listed: list[dict[str, Any]] = json.loads(text)
        return listed
    return [json.loads(line) for line in text.splitlines()]


def _images(place: Place) -> list[str]:
    """Every image that has to be there; for our own, where it has not been built yet, the one it is built on."""
    listed = dict.fromkeys(_compose(place, Options(), "config", "--images").split())
    return [image if _present(place, image) or not _is_ours(image) else _base_image(place) for image in listed]


def _is_ours(image: str) -> bool:
    return image.startswith("faultline:")


def _base_image(place: Place) -> str:
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", (place.root / "deploy/Dockerfile").read_text(), re.MULTILINE)
    return found[1] if found else "python"


def _present(place: Place, image: str) -> bool:
    try:
        tools.run("docker", "image", "inspect", "--format", "{{.Id}}", image, cwd=place.root, timeout_s=_PROBE_S)
    except LabError:
        return False
    return True


def _reachable(place: Place, image: str) -> bool:
    try:
        tools.run("docker", "manifest", "inspect", image, cwd=place.root, timeout_s=_PROBE_S)
    except LabError:
        return False
    return True


def _compose(place: Place, options: Options, *arguments: str, timeout_s: float = 60, shown: bool = False) -> str:
    return tools.run(
        *("docker", "compose", *_files(place), *arguments),
        cwd=place.root,
        environment=_environment(place, options),
        timeout_s=timeout_s,
        shown=shown,
    )


def _files(place: Place) -> list[str]:
    return [part for name in FILES for part in ("-f", str(place.root / name))]


def _environment(place: Place, options: Options) -> dict[str, str]:
    """What the compose files' variables stand for here."""
    uid, gid = owner()
    return {
        "FAULTLINE_UID": str(uid),
        "FAULTLINE_GID": str(gid),
        "FAULTLINE_SECRETS": str(place.secrets_dir),
        "FAULTLINE_DATA": str(data_dir(place)),
        "FAULTLINE_RULES": str(rules_dir(place)),
        "FAULTLINE_TRAFFIC_RATE": f"{options.traffic_rate or 5:g}",
        "FAULTLINE_SEED": str(options.seed),
        "FAULTLINE_TIME_SCALE": f"{options.time_scale:g}",
        **{f"FAULTLINE_{name.upper()}_PORT": str(port + place.offset) for name, port in PUBLISHED.items()},
        "COMPOSE_PROJECT_NAME": project(place),
    }
