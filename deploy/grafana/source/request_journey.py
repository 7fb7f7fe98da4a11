"""The way of single requests: find one that is slow, failed or incomplete, and open its waterfall."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import EMPTY, board, graph, lines, quantile, rate, section, traces

DOOR = 'resource.service.name = "gateway" && kind = server'


def dashboard() -> Dashboard:
    drawn = board("Request journey", "request-journey", "Traces that are worth a look, and the graph they draw.")
    return _steps(_map(_found(drawn)))


def _found(drawn: Dashboard) -> Dashboard:
    sampled = "In the clusters sampling keeps all of these."
    return section(
        drawn,
        "Traces",
        traces(
            "Slow",
            f"Where did more than 100 ms go? {sampled} {EMPTY}when everything is fast.",
            f"{{ {DOOR} && duration > 100ms }}",
            width=12,
        ),
        traces(
            "Failed",
            f"What broke, and where first? {sampled} {EMPTY}when nothing fails.",
            "{ status = error }",
            width=12,
        ),
        traces(
            "Degraded",
            f"Which part was missing? {sampled} {EMPTY}when every answer is complete.",
            "{ span.prediction.degraded = true }",
            width=12,
        ),
        traces("Any", "What does an ordinary one look like? Compare.", f"{{ {DOOR} }}", width=12),
    )


def _map(drawn: Dashboard) -> Dashboard:
    return section(
        drawn,
        "Service graph",
        graph("Who calls whom", "Is there an edge too many, or one missing? A click shows its numbers."),
        lines(
            "Requests by edge",
            "Which edge carries more than it should?",
            (rate("traces_service_graph_request_total", "client, server"), "{{client}} → {{server}}"),
            unit="reqps",
        ),
        lines(
            "Failed by edge",
            f"Which edge fails? {EMPTY}nothing has failed.",
            (rate("traces_service_graph_request_failed_total", "client, server"), "{{client}} → {{server}}"),
            unit="reqps",
        ),
        lines(
            "p99 by edge, seen by the caller",
            "Includes the network and the wait for a connection.",
            (
                quantile(0.99, "traces_service_graph_request_client_seconds", "client, server"),
                "{{client}} → {{server}}",
            ),
            unit="s",
        ),
        lines(
            "p99 by edge, seen by the callee",
            "The difference to the caller's view is the way between them.",
            (
                quantile(0.99, "traces_service_graph_request_server_seconds", "client, server"),
                "{{client}} → {{server}}",
            ),
            unit="s",
        ),
    )


def _steps(drawn: Dashboard) -> Dashboard:
    inner = 'span_kind="SPAN_KIND_INTERNAL"'
    return section(
        drawn,
        "Steps",
        lines(
            "p99 by step",
            "Which step grew? A point opens its trace.",
            (
                quantile(0.99, "traces_spanmetrics_latency", "service_name, span_name", inner),
                "{{service_name}} {{span_name}}",
            ),
            unit="s",
            exemplars=True,
        ),
        lines(
            "Steps a second",
            "A step that happens more often than its request is a loop.",
            (
                rate("traces_spanmetrics_calls_total", "service_name, span_name", inner),
                "{{service_name}} {{span_name}}",
            ),
            unit="ops",
        ),
    )
