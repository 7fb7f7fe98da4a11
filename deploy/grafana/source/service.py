"""One service, chosen by the variable: its requests, what it waits for, and its process."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import (
    EMPTY,
    board,
    distribution,
    lines,
    log_lines,
    quantile,
    rate,
    section,
    service_variable,
)

ME = 'service_name="$service"'


def dashboard() -> Dashboard:
    drawn = board("Service", "service", "One service from its door to its process.").with_variable(service_variable())
    return _logs(_process(_waiting(_requests(drawn))))


def _requests(drawn: Dashboard) -> Dashboard:
    native = f"histogram_quantile(0.999, sum(rate(http_server_request_duration_seconds{{{ME}}}[$__rate_interval])))"
    quantiles = [(quantile(q, "http_request_duration_seconds", where=ME), f"p{q * 100:g}") for q in (0.5, 0.99)]
    buckets = f"sum by (le) (increase(http_request_duration_seconds_bucket{{{ME}}}[$__rate_interval]))"
    return section(
        drawn,
        "Requests",
        lines(
            "Requests by route and status",
            "What is asked, and what is answered?",
            (rate("http_requests_total", "route, status", ME), "{{route}} {{status}}"),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Duration",
            "p99.9 is the exponential histogram's, the others the classic one's. A point opens its trace.",
            *quantiles,
            (native, "p99.9"),
            unit="s",
            exemplars=True,
        ),
        distribution("Duration, all of it", "Two bands are two kinds of requests. A point opens its trace.", buckets),
        lines(
            "Operations, p99",
            "Which of its own steps takes the time?",
            (quantile(0.99, "traces_spanmetrics_latency", "span_name", ME), "{{span_name}}"),
            unit="s",
        ),
    )


def _waiting(drawn: Dashboard) -> Dashboard:
    used = f"max by (pool) (pool_in_use{{{ME}}}) / max by (pool) (pool_limit{{{ME}}})"
    some = f"{EMPTY}only some services have one."
    return section(
        drawn,
        "What it waits for",
        lines("Pools: share in use", f"Is a pool full? {some}", (used, "{{pool}}"), unit="percentunit", most=1),
        lines(
            "Pools: waiting",
            f"How many wait for a slot, and how long? {some}",
            (f"sum by (pool) (pool_waiting{{{ME}}})", "{{pool}} waiting"),
            (quantile(0.99, "pool_wait_seconds", "pool", ME), "{{pool}} p99 s"),
        ),
        lines(
            "Batches",
            f"How long does a request wait for its batch, and how full is one? {EMPTY}only model services batch.",
            (quantile(0.99, "batch_wait_seconds", "model_name", ME), "{{model_name}} wait p99"),
            unit="s",
        ),
        lines(
            "Batch size and queue",
            f"Is the queue growing? {EMPTY}only model services batch.",
            (
                f"{rate('batch_size_sum', 'model_name', ME)} / {rate('batch_size_count', 'model_name', ME)}",
                "{{model_name}} size",
            ),
            (f"sum by (model_name) (batch_queue_items{{{ME}}})", "{{model_name}} queued"),
        ),
        lines(
            "Calls to others",
            f"Whom does it call, and what comes of it? {EMPTY}the model services call nobody.",
            (rate("client_requests_total", "peer, result", ME), "{{peer}} {{result}}"),
            unit="reqps",
        ),
        lines(
            "Retries, breakers, deadlines",
            f"Does it try again, give up, or stop asking? {EMPTY}the model services call nobody.",
            (rate("client_retries_total", "peer", ME), "{{peer}} retries/s"),
            (f"max by (peer) (circuit_breaker_state{{{ME}}})", "{{peer}} breaker"),
            (rate("deadlines_exceeded_total", "peer", ME), "{{peer}} late/s"),
        ),
    )


def _process(drawn: Dashboard) -> Dashboard:
    return section(
        drawn,
        "Its process",
        lines(
            "Event loop lag",
            "Does something hold the loop? Then every request waits, and no span says for what.",
            (quantile(0.99, "event_loop_lag_seconds", where=ME), "p99"),
            (quantile(0.5, "event_loop_lag_seconds", where=ME), "p50"),
            unit="s",
            width=8,
        ),
        lines(
            "Garbage collection",
            f"How much of each second is it paused? {EMPTY}there may have been no collection yet.",
            (rate("gc_pause_seconds_sum", "generation", ME), "generation {{generation}}"),
            unit="percentunit",
            width=8,
        ),
        lines(
            "Processor",
            "How much of one core does each replica use?",
            (f"rate(process_cpu_seconds_total{{{ME}}}[$__rate_interval])", "{{instance}}"),
            unit="percentunit",
            width=8,
        ),
        lines(
            "Memory",
            "Does it grow without end?",
            (f"process_resident_memory_bytes{{{ME}}}", "{{instance}}"),
            unit="bytes",
            width=8,
        ),
        lines(
            "Threads and files",
            "Does it leak threads or sockets?",
            (f"process_threads{{{ME}}}", "{{instance}} threads"),
            (f"process_open_fds{{{ME}}}", "{{instance}} files"),
            width=8,
        ),
        lines(
            "Ready, and starts",
            "Has it restarted?",
            (f"min(service_ready{{{ME}}})", "ready"),
            (f"changes(process_start_time_seconds{{{ME}}}[10m])", "starts in 10 min"),
            width=8,
        ),
    )


def _logs(drawn: Dashboard) -> Dashboard:
    logql = '{service_name="$service"} | severity_text=~"WARNING|ERROR|CRITICAL"'
    question = f"What does it complain of? A trace_id opens its waterfall. {EMPTY}a healthy service has nothing to say."
    return section(drawn, "Its log", log_lines("Warnings and errors", question, logql))
