"""What `faultline up` writes into the run folder: supervisord's configuration and Prometheus's targets."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lab.place import HOST, Place
from lab.slo.model import Setting, read_objectives
from lab.slo.render import render, write
from lab.stack.programs import Program
from services import topology

_LOG_BYTES = 10_000_000
_LOG_BACKUPS = 2


def write_supervisor_conf(place: Place, listed: Iterable[Program]) -> None:
    place.logs_dir.mkdir(parents=True, exist_ok=True)
    place.supervisor_conf.write_text(render_supervisor_conf(place, list(listed)))


def write_prometheus_folder(place: Place, time_scale: float = 1.0) -> None:
    """Link the one configuration, and write targets beside it, and rules for the speed of the marketplace's clock.

    Prometheus reads relative paths from the folder of its configuration as it was named, links unresolved.
    """
    folder = place.run_dir / "prometheus"
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    _link(folder / "prometheus.yml", place.root / "deploy/prometheus/prometheus.local.yml")
    console = place.url("lab")
    write_rules(place, folder / "rules", Setting(time_scale, console=console, dashboards=f"{console}/dashboards"))
    for job, targets in prometheus_targets(place).items():
        (folder / "targets" / f"{job}.json").write_text(json.dumps(targets, indent=1))


def write_rules(place: Place, folder: Path, setting: Setting) -> None:
    """Both sets: drills are played wherever ``faultline up`` starts something. ``setting`` says where links lead."""
    if folder.is_symlink():
        folder.unlink()  # of an earlier version, which linked the folder
    objectives = read_objectives(place.root / "deploy/slo.yaml")
    write(folder, {**render(objectives, setting), **render(objectives, replace(setting, fast=True))})


def prometheus_targets(place: Place) -> dict[str, list[dict[str, object]]]:
    """Targets by job in Prometheus's file_sd shape; each carries service_name."""
    table = {
        "services": [
            _target(service.name, service.metrics_port + place.offset) for service in topology.SERVICES.values()
        ]
    }
    for name in ("telemetry_store", "redis_exporter", "prometheus", "alertmanager"):
        shown = "redis" if name == "redis_exporter" else name
        table[name] = [_target(shown, place.port(name))]
    return table


def render_supervisor_conf(place: Place, listed: list[Program]) -> str:
    """supervisord's configuration. Services stop before backends, so that their last telemetry still arrives."""
    sections = [_head(place)]
    for group, priority in (("backends", 100), ("services", 200)):
        members = [program.name for program in listed if program.group == group]
        sections.append(f"[group:{group}]\nprograms={','.join(members)}\npriority={priority}\n")
    sections += [_section(place, program, priority) for priority, program in enumerate(listed, 1)]
    return "\n".join(sections)


def _head(place: Place) -> str:
    return f"""; Written by `faultline up`; changes are lost at the next start.
[supervisord]
logfile={_escaped(place.logs_dir / "supervisord.log")}
logfile_maxbytes={_LOG_BYTES}
logfile_backups={_LOG_BACKUPS}
pidfile={_escaped(place.supervisor_pidfile)}
childlogdir={_escaped(place.logs_dir)}
directory={_escaped(place.root)}

[unix_http_server]
file={_escaped(place.supervisor_socket)}
chmod=0700

[supervisorctl]
serverurl=unix://{_escaped(place.supervisor_socket)}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _section(place: Place, program: Program, priority: int) -> str:
    environment = ",".join(f"{key}={_quoted(value)}" for key, value in program.environment.items())
    lines = [
        f"[program:{program.name}]",
        f"command={_escaped(shlex.join(program.command))}",
        f"directory={_escaped(place.root)}",
        *([f"environment={environment}"] if environment else []),
        f"priority={priority}",
        *_restart_policy(program),
        "stopwaitsecs=12",
        # The whole group: a program's own children must not outlive it.
        "stopasgroup=false",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_escaped(place.logs_dir / program.name)}.log",
        f"stdout_logfile_maxbytes={_LOG_BYTES}",
        f"stdout_logfile_backups={_LOG_BACKUPS}",
    ]
    return "\n".join(lines) + "\n"


def _restart_policy(program: Program) -> list[str]:
    """A killed program is restarted at once: it ran longer than startsecs, so no back-off applies.

    A program that ends within startsecs is retried 1, 2, 3 … seconds later, and never given up.
    A one-shot program may end at once (startsecs=0); anything but 0 is tried again.
    """
    if program.one_shot:
        return ["startsecs=0", "startretries=100000", "autorestart=unexpected", "exitcodes=0"]
    return ["startsecs=1", "startretries=100000", "autorestart=true"]


def _target(service_name: str, port: int) -> dict[str, object]:
    return {"targets": [f"{HOST}:{port}"], "labels": {"service_name": service_name}}


def _link(link: Path, target: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _escaped(value: object) -> str:
    """supervisord expands %(name)s everywhere."""
    return str(value).replace("%", "%%")


def _quoted(value: str) -> str:
    if '"' in value:
        raise ValueError(f"supervisord's environment cannot hold a double quote: {value!r}")
    return f'"{_escaped(value)}"'
