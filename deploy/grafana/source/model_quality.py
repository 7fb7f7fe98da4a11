"""Is what the models say right? Latency and errors can be perfect while it is not."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import EMPTY, board, distribution, lines, mean, model_variable, quantile, rate, row

ME = 'model_name="$model"'
UNLABELLED = f"{EMPTY}outcomes come days after predictions, so there is nothing before the first ones."
HOUR = "[1h]"
Z = 1.96  # of the standard normal distribution, for 95 %


def joined(where: str, by: str = "model_version") -> str:
    """Outcomes of the last hour that were joined with their prediction."""
    return f"sum by ({by}) (increase(outcomes_joined_total{{{where}}}{HOUR}))"


def precision(by: str = "model_version") -> str:
    hits, positives = joined(f'{ME}, predicted="yes", actual="yes"', by), joined(f'{ME}, predicted="yes"', by)
    return f"{hits} / {positives}"


def wilson(sign: str) -> str:
    """An end of the Wilson score interval of precision (Wilson, J. Am. Stat. Assoc. 22 (1927) 209)."""
    n, p = joined(f'{ME}, predicted="yes"'), f"({precision()})"
    spread = f"{Z} * sqrt({p} * (1 - {p}) / {n} + {Z**2 / 4:g} / ({n} ^ 2))"
    return f"({p} + {Z**2 / 2:g} / {n} {sign} {spread}) / (1 + {Z**2:g} / {n})"


def dashboard() -> Dashboard:
    drawn = board(
        "Model quality", "model-quality", "Precision with its interval, conversion, labels, values, by version."
    )
    return _values(_labels(_precision(drawn.with_variable(model_variable()))))


def _precision(drawn: Dashboard) -> Dashboard:
    bought = joined(f'{ME}, actual="yes"')
    conversion = f"{bought} / {joined(ME)}"
    by_segment = (precision("segment"), "{{segment}}")
    return (
        drawn.with_row(row("Against what came true"))
        .with_panel(
            lines(
                "Precision by version",
                f"Of those it called likely buyers, how many bought? 95 % interval. {UNLABELLED}",
                (precision(), "{{model_version}}"),
                (wilson("-"), "{{model_version}} low"),
                (wilson("+"), "{{model_version}} high"),
                unit="percentunit",
                most=1,
            )
        )
        .with_panel(
            lines(
                "Precision by segment",
                f"Is one segment worse off than the others? {UNLABELLED}",
                by_segment,
                unit="percentunit",
                most=1,
            )
        )
        .with_panel(
            lines(
                "Conversion by version",
                f"Do users who got this version buy as often? {UNLABELLED}",
                (conversion, "{{model_version}}"),
                unit="percentunit",
            )
        )
        .with_panel(
            lines(
                "Labelled positives in an hour",
                f"Is there enough to judge by? Under 500 no alert fires. {UNLABELLED}",
                (joined(f'{ME}, predicted="yes"'), "{{model_version}}"),
            )
        )
    )


def _labels(drawn: Dashboard) -> Dashboard:
    everything = f"sum(increase(outcomes_joined_total{{{ME}}}{HOUR}))"
    labels = f"{joined(ME, 'actual')} / on() group_left {everything}"
    return (
        drawn.with_row(row("Labels"))
        .with_panel(
            lines(
                "Distribution of labels",
                f"Does the truth itself change? {UNLABELLED}",
                (labels, "{{actual}}"),
                unit="percentunit",
                most=1,
            )
        )
        .with_panel(
            lines(
                "Label lag",
                f"How long, in the marketplace's time, do outcomes take? {UNLABELLED}",
                (quantile(0.5, "label_lag_seconds"), "p50"),
                (quantile(0.95, "label_lag_seconds"), "p95"),
                unit="s",
            )
        )
        .with_panel(
            lines(
                "Outcomes",
                f"Do they find their prediction? {UNLABELLED}",
                (rate("outcomes_total", "result"), "{{result}}"),
                unit="reqps",
            )
        )
        .with_panel(
            lines(
                "Kept for their outcome",
                "Are predictions lost before they can be judged?",
                ("sum(predictions_pending)", "waiting to be kept"),
                (f"{rate('predictions_dropped_total')} or vector(0)", "dropped/s"),
            )
        )
    )


def _values(drawn: Dashboard) -> Dashboard:
    values = mean("model_prediction_value", "model_version", ME)
    everyone = rate("model_prediction_value_count", where=ME)
    traffic = f"{rate('model_prediction_value_count', 'model_version', ME)} / on() group_left {everyone}"
    inference = (quantile(0.99, "model_inference_duration_seconds", "model_version", ME), "{{model_version}}")
    buckets = f"sum by (le) (increase(model_prediction_value_bucket{{{ME}}}[$__rate_interval]))"
    return (
        drawn.with_row(row("What it says, and how fast"))
        .with_panel(
            lines(
                "Mean value by version",
                "Do two versions say different things of the same world?",
                (values, "{{model_version}}"),
                least=None,
            )
        )
        .with_panel(distribution("Values", "Is it the same spread as yesterday?", buckets, unit="short"))
        .with_panel(lines("Inference, p99 by version", "Is the new version slower?", inference, unit="s"))
        .with_panel(
            lines(
                "Share of traffic by version",
                "Who gets which version?",
                (
                    traffic,
                    "{{model_version}}",
                ),
                unit="percentunit",
                most=1,
            )
        )
    )
