"""Are we keeping our promises, and if not, where to look first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.stat import Panel

from deploy.grafana.source.panels import EMPTY, board, distribution, lines, number, quantile, rate, rows, section

ANSWERED = rate("predictions_total", where='outcome=~"complete|degraded"')


def dashboard() -> Dashboard:
    return _causes(
        _requests(_promises(board("Overview", "overview", "Rate, errors, duration; what they guard; alerts.")))
    )


def _promises(drawn: Dashboard) -> Dashboard:
    """The objectives' own numbers, and what is left of their budgets (recorded from deploy/slo.yaml)."""
    return section(
        drawn,
        "Promises",
        *_numbers(),
        lines(
            "Budget left",
            "How much may still go wrong in this window? At 0 releases stop.",
            ("slo:budget_left:ratio", "{{slo}}"),
            unit="percentunit",
            least=None,
            most=1,
        ),
        lines(
            "Burn rate",
            "How many times too fast is the budget spent? 14.4 over an hour pages.",
            ("slo:error_ratio:1h / on (slo) (1 - slo:objective:ratio)", "{{slo}} 1 h"),
            ("slo:error_ratio:5m / on (slo) (1 - slo:objective:ratio)", "{{slo}} 5 min"),
        ),
    )


def _numbers() -> Iterator[Panel]:
    """What is good and what is asked for as the objectives say it: what failed fast is not under 100 ms."""
    share = partial(number, unit="percentunit", decimals=2)
    fast = rate("prediction_duration_seconds_bucket", where='outcome=~"complete|degraded", le="0.1"')
    timed = rate("prediction_duration_seconds_count", where='outcome!="rejected"')
    failed, degraded = (rate("predictions_total", where=f'outcome="{each}"') for each in ("failed", "degraded"))
    all_asked = rate("predictions_total")
    yield number("Predictions", "How much is asked of us?", (all_asked, ""), unit="reqps", good=0.5, bad=0.1)
    yield share(
        "Under 100 ms",
        "Objective: 99.9 % of predictions. A slow page loses the sale.",
        (f"{fast} / {timed}", ""),
        good=0.999,
        bad=0.99,
    )
    yield share(
        "Failed",
        "Objective: 99.9 % answered. A failed prediction shows no price.",
        (f"({failed} or vector(0)) / {all_asked}", ""),
        good=0.001,
        bad=0.01,
    )
    yield share(
        "Degraded",
        "Objective: 99 % complete. A degraded answer went without a part, so its price is a guess.",
        (f"({degraded} or vector(0)) / {ANSWERED}", ""),
        good=0.01,
        bad=0.05,
    )
    yield number(
        "p99",
        "How long do the slowest in a hundred wait?",
        (quantile(0.99, "prediction_duration_seconds"), ""),
        unit="s",
        good=0.1,
        bad=0.25,
        decimals=3,
    )
    up = 'count(up{job="services"} == 1)'
    yield number(
        "Services up", "Does each of the five answer Prometheus?", (up, ""), unit="short", good=5, bad=4, decimals=0
    )


def _requests(drawn: Dashboard) -> Dashboard:
    quantiles = [(quantile(q, "prediction_duration_seconds"), f"p{q * 100:g}") for q in (0.5, 0.9, 0.99)]
    return section(
        drawn,
        "Requests",
        lines(
            "Predictions by outcome",
            "Is it more, less, or other than usual?",
            (rate("predictions_total", "outcome"), "{{outcome}}"),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Duration", "Slower for all, or for a few? A point opens its trace.", *quantiles, unit="s", exemplars=True
        ),
        distribution(
            "Duration, all of it",
            "Two bands are two kinds of requests. A point opens its trace.",
            "sum by (le) (increase(prediction_duration_seconds_bucket[$__rate_interval]))",
        ),
        lines(
            "Missing parts",
            f"What do degraded answers go without? {EMPTY}a healthy system's answers are complete.",
            (rate("prediction_parts_missing_total", "part"), "{{part}}"),
            unit="reqps",
        ),
    )


def _causes(drawn: Dashboard) -> Dashboard:
    failed = rate("http_requests_total", "service_name", 'status=~"5.."')
    errors = f"{failed} / {rate('http_requests_total', 'service_name')}"
    return section(
        drawn,
        "Where to look first",
        lines(
            "p99 by service",
            "Who is slow? The slow one's callers are slow, too: look for the deepest.",
            (quantile(0.99, "http_request_duration_seconds", "service_name"), "{{service_name}}"),
            unit="s",
            exemplars=True,
        ),
        lines(
            "Share of failed requests by service",
            f"Who fails? {EMPTY}nothing has failed since the services started.",
            (errors, "{{service_name}}"),
            unit="percentunit",
        ),
        lines(
            "Requests by service",
            "Who gets more or fewer requests than its callers should send?",
            (rate("http_requests_total", "service_name"), "{{service_name}}"),
            unit="reqps",
        ),
        rows(
            "Alerts",
            f"What is wrong by our own rules? {EMPTY}a healthy system fires nothing.",
            ('ALERTS{alertstate="firing"}', ""),
        ),
    )
