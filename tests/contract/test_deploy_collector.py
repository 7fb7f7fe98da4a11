"""The collector's configurations name what exists, and make the series that the local store makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import semconv
from services.topology import SERVICES
from telemetry_store.ingest.line_rows import INDEX_LABELS
from telemetry_store.metrics import histogram, service_graph, span_metrics
from tests.contract.collector_keys import DOCUMENTED, Keys

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/collector"
# As each mode starts its collectors: compose; Kubernetes; production's first and second tier.
RUNS = {
    "compose": ("collector.yaml",),
    "kubernetes": ("collector.yaml", "kubernetes.yaml"),
    "routing": ("routing.yaml",),
    "sampling": ("collector.yaml", "production.yaml"),
}


def merged(run: str) -> dict[str, Any]:
    """One run's configuration as the collector merges it: maps key by key, lists and values replaced whole."""
    result: dict[str, Any] = {}
    for name in RUNS[run]:
        _merge(result, yaml.safe_load((FOLDER / name).read_text()))
    return result


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = deepcopy(value)


def undocumented(value: Any, known: Keys | None, path: str) -> Iterator[str]:
    """Paths of the keys that no documentation shows."""
    if known is None:
        return
    for item in value if isinstance(value, list) else [value or {}]:
        for key, below in item.items():
            if key not in known:
                yield f"{path}.{key}"
            else:
                yield from undocumented(below, known[key], f"{path}.{key}")


def problems(config: dict[str, Any]) -> list[str]:
    """What the collector would refuse at its start."""
    found = []
    for section, documented in DOCUMENTED.items():
        for name, settings in (config.get(section) or {}).items():
            kind = name.split("/")[0]
            if kind not in documented:
                found.append(f"{section}: {kind} is no component of 0.159.0 that was looked up")
                continue
            found += undocumented(settings, documented[kind], f"{section}.{name}")
    connectors = config.get("connectors") or {}
    defined = {
        "receivers": {*config["receivers"], *connectors},
        "processors": set(config["processors"]),
        "exporters": {*config["exporters"], *connectors},
    }
    used: dict[str, set[str]] = {section: set() for section in defined}
    for pipeline, parts in config["service"]["pipelines"].items():
        for section, names in parts.items():
            used[section] |= set(names)
            found += [f"{pipeline}: no {name} among the {section}" for name in names if name not in defined[section]]
    found += [f"{name} is defined and never used" for name in defined["processors"] - used["processors"]]
    found += [f"{name} has no consumer" for name in connectors if name not in used["receivers"]]
    found += [f"{name} is fed by nobody" for name in connectors if name not in used["exporters"]]
    stored = {exporter.get("sending_queue", {}).get("storage") for exporter in config["exporters"].values()} - {None}
    extensions = set(config["extensions"])
    found += [f"no extension {name}" for name in (stored | set(config["service"]["extensions"])) - extensions]
    return found


@pytest.mark.parametrize("run", RUNS)
def test_every_component_is_defined_used_and_its_keys_are_documented(run: str) -> None:
    assert problems(merged(run)) == []


def test_the_check_sees_a_wrong_key_a_missing_component_and_a_dangling_connector() -> None:
    config = merged("compose")
    config["exporters"]["otlp_grpc/tempo"]["tls"]["insecur"] = True
    config["service"]["pipelines"]["logs"]["processors"].append("batch")
    config["service"]["pipelines"]["metrics/spans"]["receivers"].remove("service_graph")
    config["exporters"]["otlphttp/old"] = {}
    assert problems(config) == [
        "exporters.otlp_grpc/tempo.tls.insecur",
        "exporters: otlphttp is no component of 0.159.0 that was looked up",
        "logs: no batch among the processors",
        "service_graph has no consumer",
    ]


@pytest.mark.parametrize("run", RUNS)
def test_every_pipeline_from_outside_limits_memory_first(run: str) -> None:
    for name, pipeline in merged(run)["service"]["pipelines"].items():
        if "otlp" in pipeline["receivers"]:
            assert pipeline["processors"][0] == "memory_limiter", name


def test_what_counts_stands_before_what_samples() -> None:
    pipelines = merged("compose")["service"]["pipelines"]
    assert "tail_sampling" not in pipelines["traces"]["processors"]
    assert {"span_metrics", "service_graph", "forward/sampling"} == set(pipelines["traces"]["exporters"])
    assert pipelines["traces/sampled"] == {
        "receivers": ["forward/sampling"],
        "processors": ["tail_sampling"],
        "exporters": ["otlp_grpc/tempo"],
    }


@pytest.mark.parametrize("run", ["compose", "kubernetes", "sampling"])
def test_what_leaves_is_redacted_and_waits_on_disk(run: str) -> None:
    config = merged(run)
    for signal in ("traces", "logs"):
        assert "redaction" in config["service"]["pipelines"][signal]["processors"]
    for name, exporter in config["exporters"].items():
        assert exporter["sending_queue"]["storage"] == "file_storage", name
        assert "batch" in exporter["sending_queue"], name


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) / (1000 if unit == "ms" else 1)


def test_span_metrics_have_the_names_and_buckets_of_the_other_latencies() -> None:
    config = merged("compose")
    spans, graph = config["connectors"]["span_metrics"], config["connectors"]["service_graph"]
    assert spans["namespace"] == "traces.spanmetrics"
    assert spans["histogram"]["unit"] == "s"
    assert tuple(map(seconds, spans["histogram"]["explicit"]["buckets"])) == semconv.LATENCY_BUCKETS
    assert tuple(map(seconds, graph["latency_histogram_buckets"])) == semconv.LATENCY_BUCKETS
    statements = config["processors"]["transform/span_metrics"]["metric_statements"][0]["statements"]
    assert statements[-1].startswith('set(name, "traces.spanmetrics.latency")')
    assert "transform/span_metrics" in config["service"]["pipelines"]["metrics/spans"]["processors"]


def test_the_collector_makes_the_series_that_the_local_store_makes() -> None:
    config = merged("compose")["connectors"]
    for connector, buckets in (
        ("span_metrics", config["span_metrics"]["histogram"]["explicit"]["buckets"]),
        ("service_graph", config["service_graph"]["latency_histogram_buckets"]),
    ):
        assert tuple(map(seconds, buckets)) == histogram.EDGES, connector
    # Without further dimensions a connector's own remain: those that the store has.
    assert "dimensions" not in config["span_metrics"]
    assert "dimensions" not in config["service_graph"]
    assert span_metrics.LABELS == ("service_name", "span_name", "span_kind", "status_code")
    assert service_graph.LABELS == ("client", "server", "connection_type", "failed")
    assert config["span_metrics"]["aggregation_cardinality_limit"] == span_metrics.SERIES_LIMIT
    assert config["service_graph"]["database_name_attributes"] == [service_graph._DATABASE_ATTRIBUTE]
    assert tuple(config["service_graph"]["virtual_node_peer_attributes"]) == service_graph._PEER_ATTRIBUTES
    assert seconds(config["service_graph"]["store"]["ttl"]) == service_graph.WAIT_SECONDS


def test_several_collectors_mark_their_series_and_one_does_not() -> None:
    assert merged("compose")["connectors"]["span_metrics"]["exclude_dimensions"] == ["collector.instance.id"]
    assert merged("sampling")["connectors"]["span_metrics"]["exclude_dimensions"] == []


def policies() -> dict[str, dict[str, Any]]:
    listed = merged("compose")["processors"]["tail_sampling"]["policies"]
    return {policy["name"]: policy for policy in listed}


def test_each_model_version_keeps_a_share_of_its_traces() -> None:
    routed = [folder for folder in (ROOT / "models").glob("*/v*") if folder.parent.name in SERVICES]
    assert routed
    for folder in routed:
        model, version = folder.parent.name, folder.name
        condition, share = policies()[f"{model} {version}"]["and"]["and_sub_policy"]
        expected = (
            f'attributes["{semconv.ML_MODEL_NAME}"] == "{model}" '
            f'and attributes["{semconv.ML_MODEL_VERSION}"] == "{version}"'
        )
        assert condition["ottl_condition"]["span"] == [expected]
        assert share["probabilistic"]["sampling_percentage"] >= 10


def test_errors_slow_and_degraded_answers_and_a_learners_own_are_always_kept() -> None:
    kept = policies()
    assert kept["errors"]["status_code"] == {"status_codes": ["ERROR"]}
    assert kept["slow"]["latency"]["threshold_ms"] / 1000 in semconv.LATENCY_BUCKETS
    assert kept["degraded"]["boolean_attribute"] == {"key": semconv.PREDICTION_DEGRADED, "value": True}
    learner = kept["a learner's own"]["string_attribute"]
    assert learner["key"] == semconv.SESSION_ID
    assert re.search(learner["values"][0], "learner-U000001")


ATTRIBUTES = {
    value
    for name, value in vars(semconv).items()
    if name.isupper() and isinstance(value, str) and "." in value
}  # fmt: skip


def redacted(kind: str, text: str) -> bool:
    patterns = merged("compose")["processors"]["redaction"][kind]
    # RE2's classes by their names; Python's re knows them under others.
    spelled = [pattern.replace("[:alnum:]", "a-zA-Z0-9").replace("[:alpha:]", "a-zA-Z") for pattern in patterns]
    return any(re.search(pattern, text) for pattern in spelled)


@pytest.mark.parametrize("attribute", sorted({*ATTRIBUTES, *semconv.LOG_FIELDS, "http.route", "user_agent.original"}))
def test_no_attribute_that_is_meant_to_be_there_is_redacted(attribute: str) -> None:
    assert not redacted("blocked_key_patterns", attribute)


@pytest.mark.parametrize("key", ["user.id", "user_id", "x-api-key", "Authorization", "redis_password", "set-cookie"])
def test_secret_and_personal_attributes_are_redacted(key: str) -> None:
    assert redacted("blocked_key_patterns", key)


@pytest.mark.parametrize("text", ["user:U000001", "Bearer abc.def", "mail ann@example.com now"])
def test_personal_values_are_redacted(text: str) -> None:
    assert redacted("blocked_values", text)


def test_trace_and_request_ids_are_not_taken_for_personal_values() -> None:
    assert not redacted("blocked_values", "5b8efff798038103d269b633813fc60c")
    assert not redacted("blocked_values", "req_01J8Z3K4M5N6P7Q8R9S0T1U2V3")


def test_index_labels_of_loki_are_the_local_stores() -> None:
    files = [yaml.safe_load((ROOT / "deploy/loki/loki.yaml").read_text())["limits_config"]]
    chart = yaml.safe_load((ROOT / "k8s/overlays/production/values/loki.yaml").read_text())
    for limits in (*files, chart["loki"]["limits_config"]):
        attributes = limits["otlp_config"]["resource_attributes"]
        assert attributes["ignore_defaults"] is True
        assert attributes["attributes_config"] == [{"action": "index_label", "attributes": list(INDEX_LABELS)}]
