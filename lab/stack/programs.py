"""Every program of the local stack: how it is run and how it is known to be ready."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lab.place import HOST, Place
from lab.stack import binaries
from lab.stack.alerting import alertmanager_config
from lab.stack.options import Options
from lab.stack.probes import Finished, HttpReady, Probe, RedisReady, Running
from services import topology

Group = Literal["backends", "services"]
# A day's lessons fit; more would only grow the run folder.
_RETENTION_HOURS = 48
_STORE_MEMORY = "150MB"


@dataclass(frozen=True)
class Program:
    """One supervised program. ``ports`` are those it listens on; ``one_shot`` programs end and stay ended."""

    name: str
    group: Group
    command: tuple[str, ...]
    probe: Probe
    ports: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    one_shot: bool = False


def programs(place: Place, options: Options) -> list[Program]:
    """In the order in which they start. Raises LabError where a distribution's program is missing."""
    backends = [_redis, _exporter, _prometheus, _alertmanager] if options.telemetry else [_redis]
    paths = binaries.require(_BINARY_OF[build] for build in backends)
    listed = [build(place, paths[_BINARY_OF[build]]) for build in backends]
    if options.telemetry:
        listed += [_store(place), _pager(place)]
    listed.append(_loader())
    listed += [_service(place, service) for service in topology.SERVICES.values()]
    listed.append(_keeper())
    if options.telemetry:
        listed.append(_console(place))
    if options.traffic_rate > 0:
        listed.append(_traffic(options))
    return listed


def common_environment(place: Place, options: Options) -> dict[str, str]:
    """What every program of the stack inherits."""
    return {
        **place.variables,
        "FAULTLINE_MODELS_DIR": str(place.root / "models"),
        "FAULTLINE_REDIS_HOST": HOST,
        "FAULTLINE_TELEMETRY": "true" if options.telemetry else "false",
        "FAULTLINE_TIME_SCALE": f"{options.time_scale:g}",
        # Knobs and faults; only who can read this stack's token may turn them.
        "FAULTLINE_CONTROL": "true",
        "FAULTLINE_OTLP_ENDPOINT": place.url("telemetry_store_otlp"),
        # One thread a process: with more, OpenMP's threads fight over the cores (p99.9 of 159 ms measured).
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
        "PYTHONUNBUFFERED": "1",
        **options.environment,
    }


def _redis(place: Place, binary: str) -> Program:
    port = place.port("redis")
    command = (
        *(binary, str(place.root / "deploy/redis/redis.conf")),
        *("--bind", HOST, "--port", str(port)),
        *("--dir", str(place.run_dir / "redis"), "--aclfile", str(place.run_dir / "redis/users.acl")),
    )
    return Program("redis", "backends", command, RedisReady(port), (port,))


def _exporter(place: Place, binary: str) -> Program:
    port = place.port("redis_exporter")
    command = (
        *(binary, "-web.listen-address", f"{HOST}:{port}"),
        *("-redis.addr", f"redis://{HOST}:{place.port('redis')}", "-redis.user", "exporter"),
        *("-redis.password-file", str(place.secrets_dir / "redis_exporter.json")),
    )
    return Program("redis_exporter", "backends", command, HttpReady(f"{place.url('redis_exporter')}/health"), (port,))


def _prometheus(place: Place, binary: str) -> Program:
    port = place.port("prometheus")
    command = (
        binary,
        f"--config.file={place.run_dir / 'prometheus/prometheus.yml'}",
        f"--storage.tsdb.path={place.run_dir / 'prometheus/data'}",
        f"--storage.tsdb.retention.time={_RETENTION_HOURS}h",
        f"--web.listen-address={HOST}:{port}",
        f"--web.external-url={place.url('prometheus')}",
        "--enable-feature=exemplar-storage,native-histograms",
    )
    return Program("prometheus", "backends", command, HttpReady(f"{place.url('prometheus')}/-/ready"), (port,))


def _alertmanager(place: Place, binary: str) -> Program:
    port = place.port("alertmanager")
    command = (
        binary,
        f"--config.file={alertmanager_config(place)}",
        f"--storage.path={place.run_dir / 'alertmanager'}",
        f"--web.listen-address={HOST}:{port}",
        f"--web.external-url={place.url('alertmanager')}",
        # Empty: it gossips with nobody, and port 9094 stays free.
        "--cluster.listen-address=",
    )
    return Program("alertmanager", "backends", command, HttpReady(f"{place.url('alertmanager')}/-/ready"), (port,))


def _store(place: Place) -> Program:
    otlp, http = place.port("telemetry_store_otlp"), place.port("telemetry_store")
    command = (
        *(sys.executable, "-m", "telemetry_store", "--host", HOST),
        *("--otlp-port", str(otlp), "--http-port", str(http)),
        *("--database", str(place.run_dir / "telemetry_store/telemetry.duckdb")),
        *("--limits", str(place.run_dir / "telemetry_store/limits.json")),
        *("--retention-hours", str(_RETENTION_HOURS), "--memory-limit", _STORE_MEMORY),
    )
    ready = HttpReady(f"{place.url('telemetry_store')}/ready")
    return Program("telemetry_store", "backends", command, ready, (otlp, http))


def _pager(place: Place) -> Program:
    port = place.port("pager")
    command = (sys.executable, "-m", "lab.pager")
    return Program("pager", "backends", command, HttpReady(f"{place.url('pager')}/healthz"), (port,))


def _loader() -> Program:
    command = (sys.executable, "-m", "marketplace.load")
    return Program("loader", "services", command, Finished(), one_shot=True)


def _service(place: Place, service: topology.Service) -> Program:
    listening = (service.port + place.offset, service.metrics_port + place.offset, service.control_port + place.offset)
    return Program(
        service.name,
        "services",
        (sys.executable, "-m", "services", service.name),
        HttpReady(f"{place.url(service.name)}/readyz"),
        listening,
        {"FAULTLINE_MEMORY_LIMIT_MB": str(service.memory_limit_mb)},
    )


def _keeper() -> Program:
    return Program("keeper", "services", (sys.executable, "-m", "lab.faults.keeper"), Running())


def _console(place: Place) -> Program:
    port = place.port("lab")
    command = (sys.executable, "-m", "lab.console")
    return Program("lab", "services", command, HttpReady(f"{place.url('lab')}/healthz"), (port,))


def _traffic(options: Options) -> Program:
    arguments = ("--rate", f"{options.traffic_rate:g}", "--seed", str(options.seed), "--forever")
    return Program("traffic", "services", (sys.executable, "-m", "lab.traffic", *arguments), Running())


_BINARY_OF = {
    _redis: "redis",
    _exporter: "redis_exporter",
    _prometheus: "prometheus",
    _alertmanager: "alertmanager",
}
