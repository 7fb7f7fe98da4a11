"""The overlays render, meet Kubernetes' schemas, agree with topology.py, and open no door too many."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from k8s import build
from services.topology import BACKENDS, EDGES, SERVICES
from tests.contract.test_deploy_compose import read
from tests.contract.test_deploy_compose import services as containers

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("1.31", "1.37")
OVERLAYS = ("local", "production")
NAME = "app.kubernetes.io/name"
Resource = dict[str, Any]


@cache
def rendered(folder: str) -> tuple[Resource, ...]:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("kubectl is missing: `kubectl kustomize` renders the overlays, without any cluster")
    done = subprocess.run([kubectl, "kustomize", str(ROOT / folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.safe_load_all(done.stdout) if document)


def resources(overlay: str, *kinds: str) -> dict[str, Resource]:
    found = [each for each in rendered(f"k8s/overlays/{overlay}") if each["kind"] in kinds]
    return {each["metadata"]["name"]: each for each in found}


def workloads(overlay: str) -> dict[str, Resource]:
    return resources(overlay, "Deployment", "StatefulSet", "Job")


def pod(workload: Resource) -> Resource:
    return workload["spec"]["template"]["spec"]


def container(workload: Resource) -> Resource:
    (only,) = pod(workload)["containers"]
    return only


@pytest.mark.parametrize("path", build.written())
def test_what_is_generated_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == build.written()[path], "run: python -m k8s.build"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_meets_the_schema_strictly(overlay: str, version: str) -> None:
    for resource in rendered(f"k8s/overlays/{overlay}"):
        kubernetes_validate.validate(resource, version, strict=True)


def test_the_schema_is_strict() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"selectorr": {}}}
    with pytest.raises(kubernetes_validate.ValidationError, match="selectorr"):
        kubernetes_validate.validate(service, VERSIONS[0], strict=True)


def test_the_operators_component_adds_monitors_and_rules(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    kustomization = tmp_path / "k8s/overlays/production/kustomization.yaml"
    kustomization.write_text(kustomization.read_text() + "\ncomponents: [../../components/prometheus-operator]\n")
    kinds = [each["kind"] for each in rendered(str(tmp_path / "k8s/overlays/production"))]
    assert kinds.count("ServiceMonitor") == 2
    assert kinds.count("PrometheusRule") == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_as_the_topology_has_it(overlay: str, name: str) -> None:
    service, host = SERVICES[name], build.dns(name)
    runs = container(workloads(overlay)[host])
    assert runs["args"] == ["services", name]
    ports = {port["name"]: port["containerPort"] for port in runs["ports"]}
    assert ports == {"http": service.port, "metrics": service.metrics_port, "control": service.control_port}
    given = {each["name"]: each["value"] for each in runs["env"]}
    assert given["FAULTLINE_MEMORY_LIMIT_MB"] == str(service.memory_limit_mb)
    assert runs["resources"]["limits"] == {"memory": f"{service.memory_limit_mb}Mi"}
    front, every = (resources(overlay, "Service")[each]["spec"] for each in (host, f"{host}-replicas"))
    assert [port["port"] for port in front["ports"]] == [service.port]
    assert [port["port"] for port in every["ports"]] == [service.metrics_port, service.control_port]
    assert every["clusterIP"] == "None"
    assert every["publishNotReadyAddresses"] is True


def test_the_control_ports_are_closed_in_production() -> None:
    for overlay, control in (("local", "true"), ("production", "false")):
        for name in SERVICES:
            given = {each["name"]: each["value"] for each in container(workloads(overlay)[build.dns(name)])["env"]}
            assert given["FAULTLINE_CONTROL"] == control, (overlay, name)


def flows(overlay: str, direction: str) -> set[tuple[str, str, int]]:
    """(caller, callee, port) that the policies' ``ingress`` or ``egress`` rules between pods let through."""
    found = set()
    for policy in resources(overlay, "NetworkPolicy").values():
        for pods in _names(policy["spec"]["podSelector"]):
            for rule in policy["spec"].get(direction, []):
                for peer in rule.get("from", []) + rule.get("to", []):
                    for other in _names(peer.get("podSelector", {})):
                        ends = (other, pods) if direction == "ingress" else (pods, other)
                        found |= {(*ends, port["port"]) for port in rule.get("ports", [{"port": 0}])}
    return found


def _names(selector: Resource) -> list[str]:
    if NAME in selector.get("matchLabels", {}):
        return [selector["matchLabels"][NAME]]
    return [name for each in selector.get("matchExpressions", []) for name in each["values"]]


def test_what_one_may_send_the_other_may_take() -> None:
    assert flows("local", "ingress") == flows("local", "egress")


def test_between_the_services_only_the_topologys_edges_are_open() -> None:
    ours = {build.dns(name): service for name, service in SERVICES.items()}
    between = {flow for flow in flows("local", "ingress") if flow[0] in ours and flow[1] in {*ours, "redis"}}
    expected = {
        (build.dns(caller), build.dns(callee), SERVICES[callee].port if callee in SERVICES else BACKENDS["redis"])
        for caller, callee in EDGES
    }
    assert between == expected


def test_control_ports_are_open_to_the_lab_alone() -> None:
    control = {service.control_port for service in SERVICES.values()}
    assert {flow[0] for flow in flows("local", "ingress") if flow[2] in control} == {"lab"}


def test_without_a_policy_of_its_own_a_pod_is_cut_off() -> None:
    policies = resources("local", "NetworkPolicy")
    default = policies["default-deny"]["spec"]
    assert default["podSelector"] == {}
    assert default["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in default
    assert set(workloads("local")) <= set(policies)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_is_root_or_holds_a_right_or_a_token_it_does_not_need(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        spec, runs = pod(workload), container(workload)
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert runs["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        asks_the_api = (overlay == "local" and name == "otel-collector") or spec[
            "serviceAccountName"
        ] == "otel-collector"
        assert spec["automountServiceAccountToken"] is asks_the_api, name
        assert not any("hostPath" in volume for volume in spec.get("volumes", [])), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_long_running_container_has_probes_and_resources(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        runs = container(workload)
        assert {"requests", "limits"} == set(runs["resources"]), name
        assert set(runs["resources"]["requests"]) == {"cpu", "memory"}, name
        if overlay == "local":
            assert runs["resources"]["limits"]["memory"] == containers()[name]["mem_limit"].replace("m", "Mi"), name
        if workload["kind"] != "Job" and name != "traffic":
            assert {"readinessProbe", "livenessProbe"} <= set(runs), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_may_be_moved_and_grows_with_its_load(overlay: str) -> None:
    for name in map(build.dns, SERVICES):
        assert resources(overlay, "PodDisruptionBudget")[name]["spec"]["maxUnavailable"] == 1
        scaler = resources(overlay, "HorizontalPodAutoscaler")[name]["spec"]
        assert scaler["maxReplicas"] > scaler["minReplicas"]
        assert len(pod(workloads(overlay)[name])["topologySpreadConstraints"]) == 2


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_a_pod_mounts_exists(overlay: str) -> None:
    maps = resources(overlay, "ConfigMap")
    accounts = resources(overlay, "ServiceAccount")
    for name, workload in workloads(overlay).items():
        spec = pod(workload)
        assert spec["serviceAccountName"] in accounts, name
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        claimed = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        assert {mount["name"] for mount in container(workload)["volumeMounts"]} == set(volumes) | claimed, name
        for volume in volumes.values():
            assert volume.get("configMap", {}).get("name") in {None, *maps}, name
            assert volume.get("secret", {}).get("secretName") in {None, "credentials"}, name


def test_locally_built_images_are_never_pulled() -> None:
    ours = {
        name: container(each) for name, each in workloads("local").items() if "faultline" in container(each)["image"]
    }
    assert set(ours) == {*map(build.dns, SERVICES), "lab", "traffic", "loader"}
    assert {each.get("imagePullPolicy") for each in ours.values()} == {"Never"}


def test_secrets_are_in_no_file_and_each_pod_mounts_what_its_container_mounts() -> None:
    assert not resources("local", "Secret")
    for name, workload in workloads("local").items():
        mounted = [item["key"] for each in pod(workload)["volumes"] for item in each.get("secret", {}).get("items", [])]
        assert mounted == containers()[name].get("secrets", []), name


def test_kubernetes_and_compose_run_the_same_images() -> None:
    images = {name: container(workload)["image"] for name, workload in workloads("local").items()}
    assert images == {name: each["image"] for name, each in containers().items()}


def test_a_configuration_reaches_kubernetes_unchanged() -> None:
    kustomization = yaml.safe_load((ROOT / "deploy/kustomization.yaml").read_text())
    maps = {name.rpartition("-")[0]: each["data"] for name, each in resources("local", "ConfigMap").items()}
    for generator in kustomization["configMapGenerator"]:
        for entry in generator["files"]:
            key, _, path = entry.rpartition("=")
            file = ROOT / "deploy" / path
            assert maps[generator["name"]][key or file.name] == file.read_text()


@pytest.mark.parametrize(
    ("name", "folder"), [("prometheus-rules", "prometheus/rules"), ("grafana-dashboards", "grafana/dashboards")]
)
def test_a_folder_that_compose_mounts_is_whole_in_kubernetes(name: str, folder: str) -> None:
    kustomization = yaml.safe_load((ROOT / "deploy/kustomization.yaml").read_text())
    listed = next(each["files"] for each in kustomization["configMapGenerator"] if each["name"] == name)
    there = [f"{folder}/{path.name}" for path in sorted((ROOT / "deploy" / folder).iterdir())]
    assert sorted(listed) == there, "list every file in deploy/kustomization.yaml"


@pytest.mark.parametrize("name", ["tempo", "loki", "prometheus", "alertmanager", "redis", "redis-exporter"])
def test_a_backend_starts_alike_in_compose_and_kubernetes(name: str) -> None:
    def options(arguments: list[str]) -> list[str]:
        # The folders that configurations are mounted in may differ; nothing else.
        return [each for each in arguments if "config" not in each and not each.endswith(".conf")]

    runs = container(workloads("local")[name])
    assert options(runs.get("command", []) + runs.get("args", [])) == options(containers()[name]["command"])


def test_production_keeps_what_it_should_and_nothing_of_the_practice() -> None:
    kept = set(workloads("production"))
    assert not kept & {"lab", "traffic", "redis", "tempo", "loki"}
    assert {build.dns(name) for name in SERVICES} <= kept
    assert resources("production", "Service")["redis"]["spec"] == {
        "type": "ExternalName",
        "externalName": "redis.example.com",
    }


def test_in_production_nobody_is_scraped_who_is_not_there() -> None:
    """A target that no Service stands for would be an alert that never ends."""
    services, maps = resources("production", "Service"), resources("production", "ConfigMap")
    data = next(each["data"] for name, each in maps.items() if name.startswith("prometheus-config"))
    config = yaml.safe_load(data["prometheus.yml"])
    for job in config["scrape_configs"]:
        fixed = {target.split(":")[0] for group in job.get("static_configs", []) for target in group["targets"]}
        found = {name for group in job.get("dns_sd_configs", []) for name in group["names"]}
        assert fixed | found <= set(services), job["job_name"]
        assert all(services[name]["spec"]["clusterIP"] == "None" for name in found), "else one of several answers"
    base = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert config | {"scrape_configs": []} == base | {"scrape_configs": []}


def test_in_production_prometheus_may_ask_whom_it_scrapes() -> None:
    reaches, takes = flows("production", "egress"), flows("production", "ingress")
    for collector in ("otel-collector", "otel-sampling"):
        assert ("prometheus", collector, 8888) in reaches & takes


def test_compose_has_every_file_that_the_two_readers_share() -> None:
    files = {
        each["file"]
        for file in ("compose.yaml", "compose.observability.yaml")
        for each in read(file)["configs"].values()
    }
    generated = {
        entry.rpartition("=")[2]
        for each in yaml.safe_load((ROOT / "deploy/kustomization.yaml").read_text())["configMapGenerator"]
        for entry in each["files"]
    }
    assert files <= generated
