"""Alerts over the services, what they lean on, and the telemetry itself."""

from __future__ import annotations

from typing import Any

from lab.slo.model import Alert, Setting, group
from services import topology

SERIES_BUDGET = 2_000  # of one service: the largest shows about 650
MEMORY_SHARE = 0.9


def platform_groups(setting: Setting) -> list[dict[str, Any]]:
    """These judge minutes in any case: there is one set, which drills use too."""
    rules = [alert.rule(setting) for alert in (*_services(), *_leaning_on(), *_telemetry())]
    return [group("platform", rules)]


def _of(service: str = "{{ $labels.service_name }}") -> str:
    return f'{{ resource.service.name = "{service}" }}'


def _services() -> list[Alert]:
    return [
        Alert(
            "ServiceSilent", 'up{job="services"} == 0', "30s", "page",
            "{{ $labels.service_name }} does not answer Prometheus", "service", _of(), "35 s",
        ),
        Alert(
            "CrashLoop", "changes(process_start_time_seconds[10m]) >= 3", "0s", "page",
            "{{ $labels.service_name }} started {{ $value }} times in 10 minutes", "service", _of(),
            "at the third restart",
        ),
        Alert(
            "MemoryNearLimit", _memory(), "30s", "page",
            "{{ $labels.service_name }} uses {{ $value | humanizePercentage }} of its memory limit", "service", _of(),
            "35 s above 90 %; the guard ends the process at 100 %",
        ),
        Alert(
            "BatchWaitLong",
            "sum by (service_name, model_name, model_version) (rate(batch_wait_seconds_sum[1m]))"
            " / (sum by (service_name, model_name, model_version) (rate(batch_wait_seconds_count[1m])) > 0.1) > 0.05",
            "1m", "ticket",
            "requests wait {{ $value | humanizeDuration }} for a batch of {{ $labels.model_name }}", "service",
            '{ name = "batch_wait" && duration > 50ms }', "2 minutes",
        ),
        Alert(
            "FeaturesDefaulted",
            'sum by (feature) (rate(feature_defaults_total[2m]))'
            ' / on () group_left () sum(rate(http_requests_total{service_name="feature_store",'
            ' route="/v1/features"}[2m])) > 0.05',
            "1m", "ticket", "{{ $value | humanizePercentage }} of the requests get default {{ $labels.feature }}",
            "drift", '{ name = "feature_lookup" }', "2 minutes",
        ),
        Alert(
            "FeaturesStale", "max(events_waiting) > 25 and on () sum(rate(events_counted_total[1m])) == 0", "30s",
            "page", "{{ $value }} users' events wait and none is counted: features grow old", "drift",
            '{ name = "aggregate_events" }', "90 s after the last event was counted",
        ),
    ]  # fmt: skip


def _memory() -> str:
    limits = (
        f'process_resident_memory_bytes{{service_name="{each.name}"}} / {each.memory_limit_mb * 1_000_000}'
        for each in topology.SERVICES.values()
    )
    return "(" + "\nor ".join(limits) + f") > {MEMORY_SHARE}"


def _leaning_on() -> list[Alert]:
    return [
        Alert(
            "RedisPoolWait",
            'sum by (service_name, pool) (rate(pool_wait_seconds_sum{pool=~"redis.*"}[1m]))'
            ' / (sum by (service_name, pool) (rate(pool_wait_seconds_count{pool=~"redis.*"}[1m])) > 0.1) > 0.02',
            "30s", "ticket",
            "{{ $labels.service_name }} waits {{ $value | humanizeDuration }} for a slot to Redis", "service",
            '{ name = "feature_lookup" && duration > 50ms }', "about 1 minute",
        ),
        Alert(
            "RedisSlow",
            "rate(redis_commands_duration_seconds_total[1m]) / (rate(redis_commands_total[1m]) > 0.1) > 0.005",
            "30s", "ticket", "Redis takes {{ $value | humanizeDuration }} for a {{ $labels.cmd }}", "service",
            '{ span.db.system.name = "redis" && duration > 10ms }', "about 1 minute",
        ),
    ]  # fmt: skip


def _telemetry() -> list[Alert]:
    return [
        Alert(
            "TelemetryBackendDown", 'up{job!="services"} == 0', "1m", "ticket",
            "{{ $labels.service_name }} ({{ $labels.job }}) does not answer Prometheus",
            "telemetry-health", "{}", "65 s",
        ),
        Alert(
            "TelemetryLost", "sum by (service_name, signal) (increase(telemetry_dropped_items_total[2m])) > 20", "0s",
            "ticket", "{{ $labels.service_name }} lost {{ $value | humanize }} {{ $labels.signal }} items in 2 minutes",
            "telemetry-health", _of(), "1 minute",
        ),
        Alert(
            "SeriesOverBudget", f'scrape_samples_post_metric_relabeling{{job="services"}} > {SERIES_BUDGET}', "30s",
            "ticket", "{{ $labels.service_name }} shows {{ $value }} series: a label takes unbounded values",
            "telemetry-health", _of(), "35 s over the budget",
        ),
        Alert(
            "TracesBroken", _torn(), "1m", "ticket",
            "{{ $value | humanizePercentage }} of the calls {{ $labels.client }} → {{ $labels.server }} are traced",
            "telemetry-health",
            '{ kind = server && rootServiceName != "gateway" && resource.service.name != "gateway" }', "3 minutes",
        ),
    ]  # fmt: skip


def _torn() -> str:
    """Edges of the service graph against what the caller counted: where a header is lost, the edge is missing.

    An edge that the graph drew by the caller's word alone (a virtual node) is no trace of the callee.
    """
    edges = 'traces_service_graph_request_total{client!="user", server!="redis", connection_type!="virtual_node"}'
    traced = f"sum by (client, server) (rate({edges}[2m]))"
    asked = (
        "sum by (client, server) (label_replace(label_replace("
        'rate(client_requests_total{peer!~"redis.*"}[2m]), "client", "$1", "service_name", "(.+)"),'
        ' "server", "$1", "peer", "(.+)"))'
    )
    return f"({traced} or 0 * {asked}) / ({asked} > 0.5) < 0.8"
