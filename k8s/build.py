"""``python -m k8s.build`` writes what follows from other files: services and policies from topology.py, rules, targets.

A test runs it and fails where the files that are checked in differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml

from services.topology import BACKENDS, SERVICES, Service

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# Written by `python -m k8s.build`; a test compares.\n"
PODS = "app.kubernetes.io/name"

# Which files of the secret each service mounts, and how much CPU a replica of it asks for.
SECRETS = {
    "gateway": ("api_keys.json", "control_token"),
    "feature_store": ("redis_feature_store", "control_token"),
    "orchestrator": ("redis_orchestrator", "control_token"),
    "nlp_model": ("control_token",),
    "cv_model": ("control_token",),
}
CPU = {"nlp_model": "300m", "cv_model": "300m"}


@dataclass(frozen=True, order=True)
class Flow:
    """``caller`` may open connections to ``callee``'s ``port``; both are pods' names."""

    caller: str
    callee: str
    port: int


def dns(name: str) -> str:
    """A name as DNS allows it."""
    return name.replace("_", "-")


def flows() -> Iterator[Flow]:
    """Everything that may talk: the topology's edges, telemetry, the lab, and nothing else."""
    redis = BACKENDS["redis"]
    for service in SERVICES.values():
        me = dns(service.name)
        for callee in service.calls:
            yield Flow(me, dns(callee), redis if callee == "redis" else SERVICES[callee].port)
        yield Flow(me, "otel-collector", 4318)
        yield Flow("prometheus", me, service.metrics_port)
        yield Flow("lab", me, service.control_port)
        yield Flow("lab", me, service.metrics_port)
    for caller in ("traffic", "lab"):
        yield Flow(caller, "gateway", SERVICES["gateway"].port)
    for caller in ("loader", "lab", "redis-exporter"):
        yield Flow(caller, "redis", redis)
    yield from (Flow("otel-collector", "tempo", 4317), Flow("otel-collector", "loki", 3100))
    yield Flow("otel-collector", "prometheus", 9090)
    for caller in ("grafana", "lab"):
        for backend, port in (("tempo", 3200), ("loki", 3100), ("prometheus", 9090), ("alertmanager", 9093)):
            yield Flow(caller, backend, port)
    scraped = {"redis-exporter": 9121, "otel-collector": 8888, "tempo": 3200, "loki": 3100, "grafana": 3000}
    yield from (Flow("prometheus", backend, port) for backend, port in scraped.items())
    yield from (Flow("prometheus", "alertmanager", 9093), Flow("alertmanager", "lab", BACKENDS["pager"]))


def services() -> str:
    """The five services, from one template."""
    template = Template((ROOT / "k8s/service.yaml.template").read_text())
    return HEAD + "---\n".join(_service(template, service) for service in SERVICES.values())


def _service(template: Template, service: Service) -> str:
    items = ", ".join(f"{{key: {key}, path: {key}}}" for key in SECRETS[service.name])
    return template.substitute(
        dns=dns(service.name),
        name=service.name,
        port=service.port,
        metrics_port=service.metrics_port,
        control_port=service.control_port,
        # The process ends itself at so many MB; the container's limit in MiB lies 5 % above.
        memory=service.memory_limit_mb,
        memory_limit=f"{service.memory_limit_mb}Mi",
        memory_request=f"{service.memory_limit_mb // 2}Mi",
        cpu=CPU.get(service.name, "100m"),
        secrets=f"[{items}]",
    )


def network(allowed: Iterable[Flow]) -> str:
    """A policy for each pod, made of the flows it takes part in."""
    known = sorted(set(allowed))
    pods = sorted({name for flow in known for name in (flow.caller, flow.callee)})
    documents = [_default_deny(), *(_policy(pod, known) for pod in pods)]
    return HEAD + yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=None, width=120)


def _default_deny() -> dict[str, Any]:
    """Nobody may talk; everybody may ask for names."""
    dns_ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    kube_system = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
    egress = [{"to": [{"namespaceSelector": kube_system}], "ports": dns_ports}]
    return _document("default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": egress})


def _policy(pod: str, known: list[Flow]) -> dict[str, Any]:
    spec: dict[str, Any] = {"podSelector": {"matchLabels": {PODS: pod}}, "policyTypes": ["Ingress", "Egress"]}
    if ingress := [_rule("from", flow.caller, flow.port) for flow in known if flow.callee == pod]:
        spec["ingress"] = ingress
    if egress := [_rule("to", flow.callee, flow.port) for flow in known if flow.caller == pod]:
        spec["egress"] = egress
    return _document(pod, spec)


def _rule(direction: str, peer: str, port: int) -> dict[str, Any]:
    return {direction: [{"podSelector": {"matchLabels": {PODS: peer}}}], "ports": [{"port": port}]}


def _document(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def prometheus_rules() -> str:
    """The one set of rules as the Prometheus operator's resource, which cannot read a ConfigMap."""
    groups = [
        group
        for path in sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "marketplace"},
        "spec": {"groups": groups},
    }
    return HEAD + yaml.safe_dump(document, sort_keys=False, width=120)


COLLECTORS = ("otel-collector-replicas", "otel-sampling-replicas")


def production_targets() -> str:
    """deploy's prometheus.yml for production: each collector by itself, and not the backends that others run."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"] if job["job_name"] not in ("tempo", "loki")}
    jobs["otel_collector"] = {
        "job_name": "otel_collector",
        "dns_sd_configs": [{"names": list(COLLECTORS), "type": "A", "port": 8888, "refresh_interval": "15s"}],
        "relabel_configs": [{"target_label": "service_name", "replacement": "otel_collector"}],
    }
    config["scrape_configs"] = list(jobs.values())
    return HEAD + yaml.safe_dump(config, sort_keys=False, width=120)


def written() -> dict[str, str]:
    """Every generated file's text, by its path in the checkout."""
    return {
        "k8s/base/services.yaml": services(),
        "k8s/base/network.yaml": network(flows()),
        "k8s/components/prometheus-operator/rules.yaml": prometheus_rules(),
        "k8s/overlays/production/prometheus.yml": production_targets(),
    }


def main() -> None:
    for path, text in written().items():
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
