"""The compose files are valid, agree with topology.py, and give nobody more than they need."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from chassis.settings import Settings
from k8s.build import SECRETS, dns
from services.topology import BACKENDS, SERVICES

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
FILES = ("compose.yaml", "compose.observability.yaml")
LAPTOP_MIB = 6 * 1024
# Variables that are read by no Settings: the lab's, Grafana's, and those of the compose files themselves.
OTHER_VARIABLES = {"FAULTLINE_DASHBOARDS", "FAULTLINE_PROMETHEUS_URL", "FAULTLINE_TEMPO_URL", "FAULTLINE_LOKI_URL"}
OTHER_VARIABLES |= {"FAULTLINE_ALERTMANAGER_URL", "FAULTLINE_GRAFANA_URL", "FAULTLINE_BIND", "FAULTLINE_PLAYERS"}


def interpolated(text: str, **variables: str) -> str:
    """Compose's ${NAME:-default} and ${NAME:+replacement}, with these variables set and no others."""

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        is_set = bool(variables.get(name))
        if operator == ":+":
            return rest if is_set else ""
        return variables[name] if is_set else rest or ""

    return re.sub(r"\$\{(\w+)(?:(:[-+])([^}]*))?\}", value, text)


@cache
def read(name: str) -> dict[str, Any]:
    return yaml.safe_load(interpolated((DEPLOY / name).read_text()))


def services() -> dict[str, dict[str, Any]]:
    """Every container of both files, with what it extends merged in."""
    return {name: _extended(each) for file in FILES for name, each in read(file)["services"].items()}


def _extended(service: dict[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in service.items() if key != "extends"}
    if "extends" not in service:
        return own
    base = _extended(read("compose.base.yaml")["services"][service["extends"]["service"]])
    for key in ("environment",):
        if key in base and key in own:
            own[key] = base[key] | own[key]
    return base | own


def defined(kind: str) -> dict[str, Any]:
    return {name: each for file in FILES for name, each in read(file).get(kind, {}).items()}


@pytest.mark.parametrize("file", ["compose.base.yaml", *FILES])
def test_a_file_meets_the_compose_specification(file: str) -> None:
    compose_spec.PyCompose.from_yaml(interpolated((DEPLOY / file).read_text()))


def test_the_specification_is_strict() -> None:
    with pytest.raises(ValueError, match="intervall"):
        compose_spec.PyCompose.from_yaml("services: {a: {image: x, healthcheck: {test: [CMD, a], intervall: 3s}}}")


def test_only_defined_configs_and_secrets_are_named_and_their_files_exist() -> None:
    for name, service in services().items():
        for config in service.get("configs", []):
            assert config["source"] in defined("configs"), name
        for secret in service.get("secrets", []):
            assert secret in defined("secrets"), name
    for config in defined("configs").values():
        assert (DEPLOY / config["file"]).is_file(), config
    for source in (volume.split(":")[0] for each in services().values() for volume in each.get("volumes", [])):
        assert source.startswith("../.run/compose/") or (DEPLOY / source).is_dir(), source


def test_nothing_is_defined_and_never_used() -> None:
    holders = [part for each in services().values() for part in (each, each.get("build", {}))]
    assert {secret for each in holders for secret in each.get("secrets", [])} == set(defined("secrets"))


def test_an_image_is_built_once_and_pulled_or_built_by_nobody_else() -> None:
    # Compose builds every entry at the same time, and the second to name an image fails: it "already exists".
    builders = [each["image"] for each in services().values() if "build" in each]
    assert len(builders) == len(set(builders)) == 1
    for name, service in services().items():
        assert (service.get("pull_policy") == "never") == (service["image"] in builders), name


def test_whom_one_waits_for_exists_and_can_be_waited_for() -> None:
    everyone = services()
    for name, service in everyone.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in everyone, name
            if how["condition"] == "service_healthy":
                healthy = everyone[other].get("healthcheck") or everyone[other]["image"] == everyone["lab"]["image"]
                assert healthy, f"{name} waits for {other}, which has no health check"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_as_the_topology_has_it(name: str) -> None:
    service, container = SERVICES[name], services()[dns(name)]
    assert container["command"] == ["services", name]
    assert container["networks"]["default"]["aliases"] == [f"{dns(name)}-replicas"]
    assert container["environment"]["FAULTLINE_MEMORY_LIMIT_MB"] == str(service.memory_limit_mb)
    # In MiB: the process ends itself at as many MB, 5 % below.
    assert container["mem_limit"] == f"{service.memory_limit_mb}m"
    assert tuple(container["secrets"]) == SECRETS[name]


def test_ports_of_the_backends_are_the_topologys() -> None:
    everyone = services()
    assert str(BACKENDS["redis"]) in everyone["redis"]["command"]
    assert f"--redis.addr=redis://redis:{BACKENDS['redis']}" in everyone["redis-exporter"]["command"]
    for name, probe in (("prometheus", "/-/ready"), ("alertmanager", "/-/ready")):
        assert everyone[name]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{BACKENDS[name]}{probe}"


def published() -> dict[str, list[str]]:
    return {name: each["ports"] for name, each in services().items() if "ports" in each}


def test_only_gateway_lab_and_grafana_are_published_and_only_here() -> None:
    assert published() == {
        "gateway": [f"127.0.0.1:{SERVICES['gateway'].port}:{SERVICES['gateway'].port}"],
        "lab": [f"127.0.0.1:{BACKENDS['lab']}:{BACKENDS['lab']}"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_beyond_this_machine_the_console_knows_where_it_is_seen_and_its_players() -> None:
    text = (DEPLOY / "compose.yaml").read_text()

    def lab(**variables: str) -> dict[str, Any]:
        return yaml.safe_load(interpolated(text, **variables))["services"]["lab"]["environment"]

    assert (lab()["FAULTLINE_BIND"], lab()["FAULTLINE_PLAYERS"]) == ("127.0.0.1", None)
    team = lab(FAULTLINE_BIND="10.0.0.7", FAULTLINE_PLAYERS="/home/me/team")
    assert (team["FAULTLINE_BIND"], team["FAULTLINE_PLAYERS"]) == ("10.0.0.7", "/run/secrets/players")
    assert team["FAULTLINE_GRAFANA_URL"] == "http://10.0.0.7:3000"


def test_beyond_this_machine_grafana_wants_a_login() -> None:
    text = (DEPLOY / "compose.observability.yaml").read_text()
    for bind, anonymous in (("", None), ("0.0.0.0", False)):
        grafana = yaml.safe_load(interpolated(text, FAULTLINE_BIND=bind))["services"]["grafana"]
        # Unset, grafana.ini decides; in YAML an empty value is None.
        assert grafana["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] is anonymous


@pytest.mark.parametrize("name", sorted(services()))
def test_a_container_has_no_rights_it_does_not_need(name: str) -> None:
    container = services()[name]
    assert container["user"] == "1000:1000"
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "network_mode", "devices"} & set(container)
    assert "docker.sock" not in json.dumps(container)


@pytest.mark.parametrize("name", sorted(services()))
def test_an_image_is_pinned_by_version(name: str) -> None:
    tag = services()[name]["image"].rpartition(":")[2]
    assert re.match(r"v?\d+\.\d+\.\d+", tag)


def test_all_memory_limits_together_fit_a_small_laptop() -> None:
    lasting = {name: int(each["mem_limit"].rstrip("m")) for name, each in services().items() if name != "loader"}
    assert sum(lasting.values()) <= LAPTOP_MIB, lasting


def test_variables_are_settings_and_few() -> None:
    settings = {f"FAULTLINE_{name.upper()}" for name in Settings.model_fields}
    for name, service in services().items():
        given = service.get("environment", {})
        assert len(given) <= 8, name
        assert {key for key in given if key.startswith("FAULTLINE_")} <= settings | OTHER_VARIABLES, name


def test_no_secret_stands_in_an_environment() -> None:
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|TOKEN|SECRET|KEY", key)
            assert not secret or (key.endswith("__FILE") and str(value).startswith("/run/secrets/")), name
