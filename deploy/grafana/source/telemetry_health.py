"""Can the other dashboards be believed? What is lost, refused or late on the way from a service to its backend."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import EMPTY, board, lines, quantile, rate, rows, section

CLUSTERS = f"{EMPTY}the local stack has no collector."
LOCAL = f"{EMPTY}only the local stack has this store, and it may have refused nothing."


def dashboard() -> Dashboard:
    drawn = board("Telemetry health", "telemetry-health", "Collector, drops, queues, series, scrapes.")
    return _prometheus(_store(_collector(_services(drawn))))


def _services(drawn: Dashboard) -> Dashboard:
    return section(
        drawn,
        "Leaving the services",
        lines(
            "Exported",
            "Does every service still export every signal?",
            (rate("telemetry_exported_items_total", "service_name, signal"), "{{service_name}} {{signal}}"),
            unit="ops",
            width=8,
        ),
        lines(
            "Dropped",
            "Everything above 0 is a hole in the traces or logs.",
            (
                rate("telemetry_dropped_items_total", "service_name, signal, reason"),
                "{{service_name}} {{signal}} {{reason}}",
            ),
            unit="ops",
            width=8,
        ),
        lines(
            "Queued",
            "Does a queue fill up?",
            ("sum by (service_name, signal) (telemetry_queue_items)", "{{service_name}} {{signal}}"),
            width=8,
        ),
    )


def _collector(drawn: Dashboard) -> Dashboard:
    def count(metric: str, *, by: str = "") -> str:
        return rate(f"otelcol_{metric}", by)

    taken = [(count(f"receiver_accepted_{item}"), item) for item in ("spans", "log_records", "metric_points")]
    refused = [(count(f"receiver_refused_{item}"), f"{item} refused") for item in ("spans", "log_records")]
    fullest = "max by (exporter) "
    failed = [
        (count(f"exporter_send_failed_{item}", by="exporter"), f"{{{{exporter}}}} {item} failed")
        for item in ("spans", "log_records")
    ]
    return section(
        drawn,
        "Collector",
        lines("Taken", f"Does it take what is exported? {CLUSTERS}", *taken, *refused, unit="ops", width=8),
        lines(
            "Sent",
            f"Does it reach the backends? {CLUSTERS}",
            (count("exporter_sent_spans"), "spans"),
            (count("exporter_sent_log_records"), "log records"),
            *failed,
            unit="ops",
            width=8,
        ),
        lines(
            "Queue on disk",
            f"A backend that is down fills it. {CLUSTERS}",
            (f"{fullest}(otelcol_exporter_queue_size) / {fullest}(otelcol_exporter_queue_capacity)", "{{exporter}}"),
            unit="percentunit",
            width=8,
        ),
        lines(
            "Sampling by policy",
            f"Why is a trace kept? {CLUSTERS}",
            (rate("otelcol_processor_tail_sampling_count_traces_sampled", "policy", 'sampled="true"'), "{{policy}}"),
            unit="ops",
            width=8,
        ),
        lines(
            "Traces in memory",
            f"Too few places drop traces early. {CLUSTERS}",
            ("sum(otelcol_processor_tail_sampling_sampling_traces_on_memory)", "in memory"),
            (count("processor_tail_sampling_sampling_trace_dropped_too_early"), "dropped early/s"),
            width=8,
        ),
        lines(
            "Collector's memory",
            f"Near its limit it refuses. {CLUSTERS}",
            ("max(otelcol_process_memory_rss)", "resident"),
            unit="bytes",
            width=8,
        ),
    )


def _store(drawn: Dashboard) -> Dashboard:
    return section(
        drawn,
        "Local store",
        lines(
            "Received, refused, dropped",
            f"Does it keep up? {LOCAL}",
            (rate("telemetry_store_items_received_total", "signal"), "{{signal}} received"),
            (rate("telemetry_store_items_refused_total", "signal"), "{{signal}} refused"),
            (rate("telemetry_store_items_dropped_total", "signal, reason"), "{{signal}} dropped: {{reason}}"),
            unit="ops",
        ),
        lines(
            "Writes, p99",
            f"How long until a span can be found? {LOCAL}",
            (quantile(0.99, "telemetry_store_write_seconds"), "p99"),
            unit="s",
        ),
    )


def _prometheus(drawn: Dashboard) -> Dashboard:
    return section(
        drawn,
        "Prometheus",
        lines("Series", "Does a label explode?", ("max(prometheus_tsdb_head_series)", "series"), width=8),
        lines(
            "Samples by job",
            "Who brings them?",
            ("sum by (job) (scrape_samples_scraped)", "{{job}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "Scrapes",
            "How long do they take? Over 4 s they fail.",
            ("max by (job) (scrape_duration_seconds)", "{{job}}"),
            unit="s",
            width=8,
        ),
        rows("Targets that do not answer", f"Who is down? {EMPTY}everyone answers.", ("up == 0", "")),
        lines(
            "Rules",
            "Are alerts evaluated, and in time?",
            (rate("prometheus_rule_evaluation_failures_total"), "failures/s"),
            ("max(prometheus_rule_group_last_duration_seconds)", "slowest group s"),
        ),
    )
