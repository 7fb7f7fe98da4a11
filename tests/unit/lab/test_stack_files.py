"""What `faultline up` writes: supervisord's configuration, Prometheus's targets, secrets, Redis's users."""

from __future__ import annotations

import configparser
import hashlib
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from lab.place import Place
from lab.stack import Options, programs, secrets
from lab.stack.files import prometheus_targets, render_supervisor_conf, write_prometheus_folder
from lab.stack.programs import Program
from services import topology


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return replace(Place.from_environment({"FAULTLINE_PORT_OFFSET": "1000"}), run_dir=tmp_path)


@pytest.fixture
def listed(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[Program]:
    monkeypatch.setattr("lab.stack.binaries.find", lambda name: f"/usr/bin/{name}")
    return programs.programs(place, Options())


@pytest.fixture
def conf(place: Place, listed: list[Program]) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;", "\t;"), strict=True)
    parser.read_string(render_supervisor_conf(place, listed))
    return parser


def test_every_service_and_backend_is_run(conf: configparser.RawConfigParser) -> None:
    members = (conf["group:backends"]["programs"] + "," + conf["group:services"]["programs"]).split(",")

    assert set(members) == {
        *topology.SERVICES,
        *("redis", "redis_exporter", "prometheus", "alertmanager", "telemetry_store", "pager"),
        *("loader", "traffic", "keeper", "lab"),
    }
    assert int(conf["group:backends"]["priority"]) < int(conf["group:services"]["priority"])


def test_a_killed_program_is_restarted_and_never_given_up(conf: configparser.RawConfigParser) -> None:
    gateway = conf["program:gateway"]

    assert gateway["autorestart"] == "true"
    assert int(gateway["startsecs"]) <= 2
    assert int(gateway["startretries"]) > 10_000


def test_the_loader_may_end_well_and_is_tried_again_otherwise(conf: configparser.RawConfigParser) -> None:
    loader = conf["program:loader"]

    assert (loader["autorestart"], loader["exitcodes"], loader["startsecs"]) == ("unexpected", "0", "0")


def test_memory_limits_come_from_the_topology(conf: configparser.RawConfigParser) -> None:
    for service in topology.SERVICES.values():
        expected = f'FAULTLINE_MEMORY_LIMIT_MB="{service.memory_limit_mb}"'
        assert conf[f"program:{service.name}"]["environment"] == expected


def test_a_percent_sign_in_a_path_is_not_expanded(place: Place, listed: list[Program]) -> None:
    odd = replace(place, run_dir=place.run_dir / "100%(x)s")

    assert "100%%(x)s" in render_supervisor_conf(odd, listed)


def test_no_program_listens_beyond_the_loopback(listed: list[Program]) -> None:
    text = "\n".join(" ".join(program.command) for program in listed)

    assert "0.0.0.0" not in text
    assert "--cluster.listen-address=\n" in text


def test_no_password_stands_on_a_command_line(place: Place, listed: list[Program]) -> None:
    secrets.ensure_secrets(place)
    known = [path.read_text() for path in place.secrets_dir.iterdir() if path.suffix != ".json"]
    text = render_supervisor_conf(place, listed)

    assert not any(secret in text for secret in known)


def test_without_telemetry_only_redis_and_the_services_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.stack.binaries.find", lambda name: f"/usr/bin/{name}")
    listed = programs.programs(place, Options(telemetry=False, traffic_rate=0))

    assert {program.name for program in listed} == {*topology.SERVICES, "redis", "loader", "keeper"}
    assert programs.common_environment(place, Options(telemetry=False))["FAULTLINE_TELEMETRY"] == "false"


def test_every_target_carries_its_service_name(place: Place) -> None:
    table = prometheus_targets(place)

    services = {target["labels"]["service_name"]: target["targets"] for target in table["services"]}  # type: ignore[index]
    assert services["gateway"] == ["127.0.0.1:10000"]
    assert set(services) == set(topology.SERVICES)
    assert all(target["labels"] for targets in table.values() for target in targets)


def test_prometheus_finds_its_rules_and_targets_beside_its_linked_configuration(place: Place) -> None:
    write_prometheus_folder(place)
    write_prometheus_folder(place)
    folder = place.run_dir / "prometheus"

    assert (folder / "prometheus.yml").resolve() == place.root / "deploy/prometheus/prometheus.local.yml"
    assert list((folder / "rules").glob("*.yml"))
    for path in (folder / "targets").iterdir():
        assert f"targets/{path.stem}*.json" in (folder / "prometheus.yml").read_text()


def test_secrets_are_made_once_and_private(place: Place) -> None:
    secrets.ensure_secrets(place)
    before = {path.name: path.read_text() for path in place.secrets_dir.iterdir()}
    secrets.ensure_secrets(place)

    assert {path.name: path.read_text() for path in place.secrets_dir.iterdir()} == before
    assert stat.S_IMODE(place.secrets_dir.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.secrets_dir.iterdir()} == {0o600}


def test_the_gateway_learns_digests_of_keys_only(place: Place) -> None:
    secrets.ensure_secrets(place)
    table = {row["name"]: row for row in json.loads((place.secrets_dir / "api_keys.json").read_text())}

    key = place.api_key("learner")
    assert table["learner"]["key_sha256"] == hashlib.sha256(key.encode()).hexdigest()
    assert (table["traffic"]["rate_per_s"], table["traffic"]["burst"]) == (200, 400)
    assert key not in (place.secrets_dir / "api_keys.json").read_text()


def test_redis_users_get_digests_and_no_comments(place: Place) -> None:
    secrets.ensure_secrets(place)
    text = secrets.write_acl(place).read_text()

    password = (place.secrets_dir / "redis_loader").read_text()
    assert hashlib.sha256(password.encode()).hexdigest() in text
    assert password not in text
    assert all(line.startswith("user ") for line in text.splitlines())
    assert "user default off" in text
