"""Are we keeping our promises, and if not, where to look first."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import EMPTY, board, distribution, lines, number, quantile, rate, row, rows

ANSWERED = rate("predictions_total", where='outcome=~"complete|degraded"')


def dashboard() -> Dashboard:
    return _causes(
        _requests(_promises(board("Overview", "overview", "Rate, errors, duration; what they guard; alerts.")))
    )


def _promises(drawn: Dashboard) -> Dashboard:
    """The objectives' own numbers, and what is left of their budgets (recorded from deploy/slo.yaml)."""
    fast = rate("prediction_duration_seconds_bucket", where='le="0.1"')
    degraded = rate("predictions_total", where='outcome="degraded"')
    share = f"({degraded} or vector(0)) / {ANSWERED}"
    failures = rate("predictions_total", where='outcome="failed"')
    failed = f"({failures} or vector(0)) / {rate('predictions_total')}"
    return (
        drawn.with_row(row("Promises"))
        .with_panel(
            number(
                "Predictions",
                "How much is asked of us?",
                (rate("predictions_total"), ""),
                unit="reqps",
                good=0.5,
                bad=0.1,
            )
        )
        .with_panel(
            number(
                "Under 100 ms",
                "Objective: 99.9 % of predictions. A slow page loses the sale.",
                (f"{fast} / {rate('prediction_duration_seconds_count')}", ""),
                unit="percentunit",
                good=0.999,
                bad=0.99,
                decimals=2,
            )
        )
        .with_panel(
            number(
                "Failed",
                "Objective: 99.9 % answered. A failed prediction shows no price.",
                (failed, ""),
                unit="percentunit",
                good=0.001,
                bad=0.01,
                decimals=2,
            )
        )
        .with_panel(
            number(
                "Degraded",
                "Objective: 99 % complete. A degraded answer went without a part, so its price is a guess.",
                (share, ""),
                unit="percentunit",
                good=0.01,
                bad=0.05,
                decimals=2,
            )
        )
        .with_panel(
            number(
                "p99",
                "How long do the slowest in a hundred wait?",
                (quantile(0.99, "prediction_duration_seconds"), ""),
                unit="s",
                good=0.1,
                bad=0.25,
                decimals=3,
            )
        )
        .with_panel(
            number(
                "Services up",
                "Does each of the five answer Prometheus?",
                ('count(up{job="services"} == 1)', ""),
                unit="short",
                good=5,
                bad=4,
                decimals=0,
            )
        )
        .with_panel(
            lines(
                "Budget left",
                "How much may still go wrong in this window? At 0 releases stop.",
                ("slo:budget_left:ratio", "{{slo}}"),
                unit="percentunit",
                least=None,
                most=1,
            )
        )
        .with_panel(
            lines(
                "Burn rate",
                "How many times too fast is the budget spent? 14.4 over an hour pages.",
                ("slo:error_ratio:1h / on (slo) (1 - slo:objective:ratio)", "{{slo}} 1 h"),
                ("slo:error_ratio:5m / on (slo) (1 - slo:objective:ratio)", "{{slo}} 5 min"),
            )
        )
    )


def _requests(drawn: Dashboard) -> Dashboard:
    quantiles = [(quantile(q, "prediction_duration_seconds"), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99)]
    return (
        drawn.with_row(row("Requests"))
        .with_panel(
            lines(
                "Predictions by outcome",
                "Is it more, less, or other than usual?",
                (rate("predictions_total", "outcome"), "{{outcome}}"),
                unit="reqps",
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Duration",
                "Slower for all, or for a few? A point opens its trace.",
                *quantiles,
                unit="s",
                exemplars=True,
            )
        )
        .with_panel(
            distribution(
                "Duration, all of it",
                "Two bands are two kinds of requests. A point opens its trace.",
                "sum by (le) (increase(prediction_duration_seconds_bucket[$__rate_interval]))",
            )
        )
        .with_panel(
            lines(
                "Missing parts",
                f"What do degraded answers go without? {EMPTY}a healthy system's answers are complete.",
                (rate("prediction_parts_missing_total", "part"), "{{part}}"),
                unit="reqps",
            )
        )
    )


def _causes(drawn: Dashboard) -> Dashboard:
    failed = rate("http_requests_total", "service_name", 'status=~"5.."')
    errors = f"{failed} / {rate('http_requests_total', 'service_name')}"
    return (
        drawn.with_row(row("Where to look first"))
        .with_panel(
            lines(
                "p99 by service",
                "Who is slow? The slow one's callers are slow, too: look for the deepest.",
                (quantile(0.99, "http_request_duration_seconds", "service_name"), "{{service_name}}"),
                unit="s",
                exemplars=True,
            )
        )
        .with_panel(
            lines(
                "Share of failed requests by service",
                f"Who fails? {EMPTY}nothing has failed since the services started.",
                (errors, "{{service_name}}"),
                unit="percentunit",
            )
        )
        .with_panel(
            lines(
                "Requests by service",
                "Who gets more or fewer requests than its callers should send?",
                (rate("http_requests_total", "service_name"), "{{service_name}}"),
                unit="reqps",
            )
        )
        .with_panel(
            rows(
                "Alerts",
                f"What is wrong by our own rules? {EMPTY}a healthy system fires nothing.",
                ('ALERTS{alertstate="firing"}', ""),
            )
        )
    )
