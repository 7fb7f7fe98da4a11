"""Dashboards, rules and data sources name only what exists, and every query parses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import semconv
from deploy.grafana import build
from deploy.grafana.source.panels import EMPTY
from lab.slo.model import read_objectives
from telemetry_store.logql.parse import parse as parse_logql
from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.traceql.parse import parse as parse_traceql

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "deploy/grafana/dashboards"
SOURCES = {"prometheus", "tempo", "loki"}
# What others make. Prometheus itself; the collector's connectors (and telemetry_store in their place); the collector's
# own telemetry, whose names are those of its components' documentation.md at v0.159.0.
HISTOGRAMS_OF_OTHERS = {
    "traces_spanmetrics_latency",
    "traces_service_graph_request_client_seconds",
    "traces_service_graph_request_server_seconds",
}
METRICS_OF_OTHERS = {
    *("up", "ALERTS", "scrape_samples_scraped", "scrape_duration_seconds", "prometheus_tsdb_head_series"),
    *("prometheus_rule_evaluation_failures_total", "prometheus_rule_group_last_duration_seconds"),
    *("traces_spanmetrics_calls_total", "traces_service_graph_request_total"),
    "traces_service_graph_request_failed_total",
    *(f"otelcol_receiver_accepted_{item}" for item in ("spans", "log_records", "metric_points")),
    *(f"otelcol_receiver_refused_{item}" for item in ("spans", "log_records")),
    *(f"otelcol_exporter_sent_{item}" for item in ("spans", "log_records")),
    *(f"otelcol_exporter_send_failed_{item}" for item in ("spans", "log_records")),
    *("otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity", "otelcol_process_memory_rss"),
    "otelcol_processor_tail_sampling_count_traces_sampled",
    "otelcol_processor_tail_sampling_sampling_traces_on_memory",
    "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early",
}
# The Redis exporter's, and Prometheus's own about a scrape.
METRICS_OF_OTHERS |= {"redis_commands_duration_seconds_total", "redis_commands_total"}
METRICS_OF_OTHERS |= {"scrape_samples_post_metric_relabeling"}
LABELS_OF_OTHERS = {
    *("service_name", "job", "instance", "le", "alertname", "alertstate", "signal", "reason"),
    *(
        "span_name",
        "span_kind",
        "status_code",
        "client",
        "server",
        "connection_type",
        "exporter",
        "policy",
        "sampled",
        "slo",
    ),
}
KEYWORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool"}
VARIABLES = {"service": "gateway", "model": "nlp_model", "__rate_interval": "1m", "__range": "1h", "__interval": "15s"}


@dataclass(frozen=True)
class Panel:
    board: str
    title: str
    description: str
    source: str
    query: str

    def __str__(self) -> str:
        return f"{self.board}: {self.title}"


@cache
def panels() -> tuple[Panel, ...]:
    """Every query of every panel and annotation, as it is checked in."""
    return tuple(panel for path in sorted(DASHBOARDS.glob("*.json")) for panel in _panels(path))


def _panels(path: Path) -> Iterator[Panel]:
    board = json.loads(path.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            query = target.get("expr") or target.get("query") or ""
            yield Panel(path.stem, panel["title"], panel.get("description", ""), target["datasource"]["uid"], query)
    for mark in board["annotations"]["list"]:
        yield Panel(path.stem, f"mark {mark['name']}", "A mark.", mark["datasource"]["uid"], mark["expr"])


def filled(query: str) -> str:
    """A query with Grafana's variables replaced, as Grafana does it."""
    return re.sub(r"\$(\w+)", lambda match: VARIABLES[match[1]], query)


def promqls() -> list[tuple[str, str]]:
    """(where it stands, PromQL) of dashboards, rules and data sources."""
    found = [(str(panel), filled(panel.query)) for panel in panels() if panel.source == "prometheus"]
    for path in sorted((ROOT / "deploy/prometheus/rules").glob("*.yml")):
        rules = [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
        found += [(f"{path.name}: {rule.get('alert') or rule.get('record')}", rule["expr"]) for rule in rules]
    text = (ROOT / "deploy/grafana/provisioning/datasources/datasources.yaml").read_text()
    tempo = next(each for each in yaml.safe_load(text)["datasources"] if each["uid"] == "tempo")
    for query in tempo["jsonData"]["tracesToMetrics"]["queries"]:
        found.append((f"data source: {query['name']}", query["query"].replace("$$__tags", 'service_name="gateway"')))
    return found


def recorded() -> set[str]:
    """Series that our own rules make."""
    groups = [
        group
        for path in (ROOT / "deploy/prometheus/rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


@cache
def series() -> frozenset[str]:
    """The name of every series that may be asked for."""
    histograms = HISTOGRAMS_OF_OTHERS | {metric.name for metric in semconv.METRICS if metric.kind == "histogram"}
    store = {family.name: family.type for family in OwnMetrics().registry.collect()}
    histograms |= {name for name, kind in store.items() if kind == "histogram"}
    names = {metric.name for metric in semconv.METRICS if metric.kind != "histogram"}
    names |= {f"{name}_total" if kind == "counter" else name for name, kind in store.items()}
    names |= {native.scraped for native in semconv.NATIVE_HISTOGRAMS}
    names |= {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}
    return frozenset(names | METRICS_OF_OTHERS | recorded())


def labels() -> set[str]:
    ours = {label for metric in semconv.METRICS for label in metric.labels}
    native = {name.replace(".", "_") for each in semconv.NATIVE_HISTOGRAMS for _, name in each.attributes}
    return ours | native | LABELS_OF_OTHERS


def metrics_in(promql: str) -> set[str]:
    """Names of the series a PromQL expression asks for.

    >>> sorted(metrics_in('sum by (a) (rate(x_total{b="c"}[5m])) / on(a) group_left y offset 1m'))
    ['x_total', 'y']
    """
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "", promql)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    text = re.sub(r"\boffset\s+\w+", " ", text)
    names = re.findall(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()", text)
    return set(names) - KEYWORDS


def labels_in(promql: str) -> set[str]:
    """Names of labels that are matched or grouped by."""
    matched = re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', promql)
    grouped = re.findall(r"\b(?:by|without|on|ignoring|group_left)\s*\(([^)]*)\)", promql)
    return {*matched, *(name.strip() for group in grouped for name in group.split(",") if name.strip())}


@pytest.mark.parametrize("name", sorted(build.written()))
def test_a_dashboard_is_what_its_source_builds(name: str) -> None:
    assert (DASHBOARDS / name).read_text() == build.written()[name], "run: python -m deploy.grafana.build"


def test_no_dashboard_is_left_over() -> None:
    assert {path.name for path in DASHBOARDS.iterdir()} == set(build.written())


@pytest.mark.parametrize("panel", panels(), ids=str)
def test_a_panel_says_what_it_answers_and_asks_a_known_source(panel: Panel) -> None:
    assert panel.description.partition(EMPTY)[0].strip(), "a description says which question the panel answers"
    assert panel.description.rstrip().endswith((".", "?")), panel.description
    assert panel.source in SOURCES


def test_titles_within_a_dashboard_differ() -> None:
    for path in DASHBOARDS.glob("*.json"):
        titles = [panel["title"] for panel in json.loads(path.read_text())["panels"]]
        assert len(titles) == len(set(titles)), path.name


@pytest.mark.parametrize(("where", "promql"), promqls(), ids=[where for where, _ in promqls()])
def test_every_series_and_label_exists(where: str, promql: str) -> None:
    assert metrics_in(promql) or "vector(" in promql, "no series found: the check would not see a wrong one"
    assert metrics_in(promql) <= series()
    assert labels_in(promql) <= labels()


def test_the_check_sees_a_wrong_series_and_a_wrong_label() -> None:
    wrong = 'sum by (servce_name) (rate(http_request_total{rout="/x"}[5m]))'
    assert metrics_in(wrong) - series() == {"http_request_total"}
    assert labels_in(wrong) - labels() == {"servce_name", "rout"}


def test_every_promql_parses(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": promql} for number, (_, promql) in enumerate(promqls())]
    done = _check_rules(tmp_path / "panels.yml", rules)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promql_that_does_not_parse_is_seen(tmp_path: Path) -> None:
    assert _check_rules(tmp_path / "bad.yml", [{"record": "a:b", "expr": "rate(up)"}]).returncode != 0


def _check_rules(path: Path, rules: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: apt-get install prometheus"
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    return subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False)


def asked(source: str) -> list[Panel]:
    return [panel for panel in panels() if panel.source == source and panel.query]


@pytest.mark.parametrize("panel", asked("tempo"), ids=str)
def test_every_traceql_parses_and_names_known_attributes(panel: Panel) -> None:
    parse_traceql(panel.query)
    ours = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    for attribute in re.findall(r"\bspan\.([\w.]+)", panel.query):
        assert attribute in ours | {"http.route", "db.system.name"}
    assert set(re.findall(r"\bresource\.([\w.]+)", panel.query)) <= {"service.name", "service.namespace"}


def alerts() -> list[dict[str, Any]]:
    files = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
    groups = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_leads_to_a_dashboard_that_exists_and_a_query_that_parses(alert: dict[str, Any]) -> None:
    notes = alert["annotations"]
    if url := notes.get("dashboard_url"):
        uid = re.search(r"/d/([\w-]+)", url)
        assert uid
        assert f"{uid[1]}.json" in build.written(), url
    if traceql := notes.get("traces_query"):
        parse_traceql(re.sub(r"\{\{.*?\}\}", "gateway", traceql))


@pytest.mark.parametrize("panel", asked("loki"), ids=str)
def test_every_logql_parses(panel: Panel) -> None:
    parse_logql(filled(panel.query))


def test_the_six_dashboards_are_there() -> None:
    expected = {"overview", "service", "model-quality", "drift", "request-journey", "telemetry-health"}
    assert {path.stem for path in DASHBOARDS.glob("*.json")} == expected


def test_the_overview_counts_as_good_what_the_latency_objective_does() -> None:
    (objective,) = (each for each in read_objectives(ROOT / "deploy/slo.yaml") if each.name == "latency")
    (shown,) = (panel.query for panel in panels() if (panel.board, panel.title) == ("overview", "Under 100 ms"))
    promised = f"{objective.good} / {objective.total}".replace('service_name="gateway", ', "")  # nobody else has it
    assert shown.replace("sum (", "sum(") == promised.replace("$window", "$__rate_interval")


def test_prometheus_has_exemplars_where_a_panel_shows_them() -> None:
    shown = {
        name
        for path in DASHBOARDS.glob("*.json")
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", [])
        if target.get("exemplar")
        for name in metrics_in(filled(target["expr"]))
    }
    assert shown
    assert all(name.endswith("_bucket") for name in shown), shown
