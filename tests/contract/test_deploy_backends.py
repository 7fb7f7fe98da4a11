"""Prometheus, Alertmanager, Tempo, Loki and Grafana are configured alike in every mode, and name what exists."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.build import dns
from services.topology import BACKENDS, SERVICES
from tests.contract.test_deploy_compose import services as containers

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UIDS = {"prometheus", "tempo", "loki", "alertmanager"}
# Keys of Prometheus 3.x that Debian's promtool 2.42 does not know; it checks the rest.
ONLY_IN_3 = ("otlp",)


def prometheus() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())


def jobs(file: str) -> set[str]:
    config = yaml.safe_load((DEPLOY / "prometheus" / file).read_text())
    return {job["job_name"] for job in config["scrape_configs"]}


def need(tool: str) -> str:
    path = shutil.which(tool)
    assert path, f"{tool} is missing: apt-get install prometheus prometheus-alertmanager"
    return path


def test_promtool_accepts_what_its_version_knows(tmp_path: Path) -> None:
    config = {key: value for key, value in prometheus().items() if key not in ONLY_IN_3}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copytree(DEPLOY / "prometheus/rules", tmp_path / "rules")
    command = [need("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_amtool_accepts_the_one_alertmanager_configuration() -> None:
    command = [need("amtool"), "check-config", str(DEPLOY / "alertmanager/alertmanager.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_finds_its_receiver_and_its_key() -> None:
    text = (DEPLOY / "alertmanager/alertmanager.yml").read_text()
    assert set(re.findall(r"url: http://(\S+?)/", text)) == {f"lab:{BACKENDS['pager']}"}
    mounted = {f"/run/secrets/{name}" for name in containers()["alertmanager"]["secrets"]}
    assert set(re.findall(r"_file: (\S+)", text)) == mounted


def test_every_service_is_scraped_replica_by_replica_and_named_as_the_topology_names_it() -> None:
    job = next(job for job in prometheus()["scrape_configs"] if job["job_name"] == "services")
    scraped = {each["names"][0]: each["port"] for each in job["dns_sd_configs"]}
    assert scraped == {f"{dns(name)}-replicas": service.metrics_port for name, service in SERVICES.items()}
    assert {_service_name(job["relabel_configs"], name) for name in scraped} == set(SERVICES)


def _service_name(rules: list[dict[str, Any]], dns_name: str) -> str:
    """What Prometheus's relabelling makes of a DNS name; its regular expressions are anchored."""
    result = ""
    for rule in rules:
        if match := re.fullmatch(rule["regex"], dns_name):
            template = rule.get("replacement", "$1").replace("${", "\\g<").replace("}", ">").replace("$1", "\\1")
            result = match.expand(template)
    return result


def test_every_other_target_is_a_container_and_carries_service_name() -> None:
    for job in prometheus()["scrape_configs"]:
        for group in job.get("static_configs", []):
            (target,) = group["targets"]
            assert target.split(":")[0] in containers(), target
            assert group["labels"]["service_name"], target


def test_both_prometheus_scrape_the_same_jobs_but_for_what_only_one_mode_has() -> None:
    only_in_clusters = {"otel_collector", "tempo", "loki", "grafana"}
    only_locally = {"telemetry_store", "telemetry_store_native"}
    assert jobs("prometheus.yml") - only_in_clusters == jobs("prometheus.local.yml") - only_locally


def test_a_series_by_otlp_has_the_labels_of_a_scraped_one() -> None:
    assert prometheus()["otlp"]["promote_resource_attributes"] == ["service.name"]


def test_both_prometheus_look_at_the_clock_alike() -> None:
    local = yaml.safe_load((DEPLOY / "prometheus/prometheus.local.yml").read_text())
    assert prometheus()["global"] == local["global"]
    assert prometheus()["rule_files"] == local["rule_files"]


def test_tempo_and_loki_write_only_to_their_volumes() -> None:
    for name, home in (("tempo", "/var/tempo"), ("loki", "/loki")):
        text = (DEPLOY / name / f"{name}.yaml").read_text()
        folders = re.findall(r"(?<=[ {])(/[\w/.-]+)", re.sub(r"#.*", "", text))
        assert folders
        assert all(folder.startswith(home) for folder in folders), folders
        assert any(volume.endswith(f":{home}") for volume in containers()[name]["volumes"])


def test_a_search_shows_a_trace_at_once() -> None:
    tempo = yaml.safe_load((DEPLOY / "tempo/tempo.yaml").read_text())
    assert tempo["query_frontend"]["query_end_cutoff"] == "0s"  # Tempo's default leaves out the last half minute


def test_ports_of_the_backends_are_those_others_use() -> None:
    tempo = yaml.safe_load((DEPLOY / "tempo/tempo.yaml").read_text())
    assert tempo["server"]["http_listen_port"] == BACKENDS["telemetry_store"]
    collector = yaml.safe_load((DEPLOY / "collector/collector.yaml").read_text())
    otlp = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert otlp == f"0.0.0.0:{BACKENDS['telemetry_store_otlp']}"


def test_production_names_the_kafka_that_tempo_3_writes_to_and_lets_its_pods_reach_it() -> None:
    overlay = ROOT / "k8s/overlays/production"
    address = yaml.safe_load((overlay / "values/tempo.yaml").read_text())["ingest"]["kafka"]["address"]
    policies = {
        each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all((overlay / "external.yaml").read_text())
    }
    opened = [port for rule in policies["charts"]["egress"] for port in rule.get("ports", [])]
    assert {"port": int(address.rpartition(":")[2])} in opened


def datasources() -> dict[str, dict[str, Any]]:
    # Grafana replaces $NAME by the environment, and $$ by $.
    text = (DEPLOY / "grafana/provisioning/datasources/datasources.yaml").read_text()
    return {each["uid"]: each for each in yaml.safe_load(text)["datasources"]}


def test_every_link_between_data_sources_leads_somewhere() -> None:
    found = datasources()
    assert set(found) == UIDS
    linked = re.findall(r"'datasourceUid': '(\w+)'", str(found))
    assert set(linked) == {"prometheus", "tempo", "loki"}


def test_each_signal_links_to_the_other_two() -> None:
    found = {uid: each["jsonData"] for uid, each in datasources().items()}
    assert found["prometheus"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "tempo"
    assert found["loki"]["derivedFields"][0] == found["loki"]["derivedFields"][0] | {
        "matcherType": "label",
        "matcherRegex": "trace_id",
        "datasourceUid": "tempo",
    }
    tempo = found["tempo"]
    assert tempo["tracesToLogsV2"]["datasourceUid"] == "loki"
    assert tempo["tracesToMetrics"]["datasourceUid"] == tempo["serviceMap"]["datasourceUid"] == "prometheus"


def test_grafana_keeps_the_data_sources_of_its_image_and_starts_no_others_that_it_has() -> None:
    ini = configparser.ConfigParser(inline_comment_prefixes=";")
    ini.read(DEPLOY / "grafana/grafana.ini")
    plugins = ini["plugins"]
    assert plugins.getboolean("preinstall_disabled")  # on a read-only root a renewal removes them and then fails
    assert not set(plugins["disable_plugins"].split(",")) & {each["type"] for each in datasources().values()}
    assert not ini["server"].getboolean("enable_gzip")


@pytest.mark.parametrize("path", ["datasources/datasources.yaml", "dashboards/dashboards.yaml"])
def test_grafanas_own_dollars_are_doubled_and_its_variables_are_set(path: str) -> None:
    text = re.sub(r"#.*", "", (DEPLOY / "grafana/provisioning" / path).read_text())
    variables = set(re.findall(r"(?<!\$)\$(\w+|\{[^}]*\})", text))
    given = containers()["grafana"]["environment"]
    assert variables <= set(given), variables


def test_addresses_of_the_data_sources_are_containers_and_their_ports() -> None:
    given = containers()["grafana"]["environment"]
    assert given["FAULTLINE_TEMPO_URL"] == f"http://tempo:{BACKENDS['telemetry_store']}"
    assert given["FAULTLINE_PROMETHEUS_URL"] == f"http://prometheus:{BACKENDS['prometheus']}"
    assert given["FAULTLINE_ALERTMANAGER_URL"] == f"http://alertmanager:{BACKENDS['alertmanager']}"
    loki = yaml.safe_load((DEPLOY / "loki/loki.yaml").read_text())
    assert given["FAULTLINE_LOKI_URL"] == f"http://loki:{loki['server']['http_listen_port']}"
