"""Does what the models are fed still look like what they learnt from? Beside volume and precision, on one time axis.

PSI and KS join ``_features`` with their recording rules (feature_values_total, feature_drift_ks).
"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.model_quality import UNLABELLED
from deploy.grafana.source.panels import EMPTY, board, lines, mean, quantile, rate, row


def dashboard() -> Dashboard:
    drawn = board("Drift", "drift", "Features and predictions against their reference, beside volume and precision.")
    return _consequences(_predictions(_features(drawn)))


def _features(drawn: Dashboard) -> Dashboard:
    age = [(quantile(q, "feature_age_seconds"), f"p{q * 100:g}") for q in (0.5, 0.95)]
    return (
        drawn.with_row(row("Features"))
        .with_panel(lines("Age of behaviour features", "Are they as fresh as the objective wants?", *age, unit="s"))
        .with_panel(
            lines(
                "Served by default",
                f"Which features are missing? {EMPTY}a healthy store knows every feature.",
                (rate("feature_defaults_total", "feature"), "{{feature}}"),
                unit="reqps",
            )
        )
        .with_panel(
            lines(
                "Events",
                f"Do events still reach the features? {EMPTY}only while events are sent.",
                (rate("events_accepted_total"), "accepted/s"),
                (rate("events_counted_total", "result"), "{{result}}/s"),
                unit="reqps",
            )
        )
        .with_panel(
            lines(
                "Events waiting, and their lag",
                "Is the aggregation behind?",
                ("sum(events_waiting)", "waiting"),
                (quantile(0.95, "event_lag_seconds"), "lag p95 s"),
            )
        )
    )


def _predictions(drawn: Dashboard) -> Dashboard:
    values = mean("model_prediction_value", "model_name, model_version")
    name = "{{model_name}} {{model_version}}"
    return (
        drawn.with_row(row("Predictions"))
        .with_panel(lines("Mean value", "Does a model say something else than it used to?", (values, name), least=None))
        .with_panel(
            lines(
                "Median value",
                "The same, without the outliers.",
                (quantile(0.5, "model_prediction_value", "model_name, model_version"), name),
                least=None,
            )
        )
    )


def _consequences(drawn: Dashboard) -> Dashboard:
    hits = 'sum by (model_name, model_version) (increase(outcomes_joined_total{predicted="yes", actual="yes"}[1h]))'
    positives = 'sum by (model_name, model_version) (increase(outcomes_joined_total{predicted="yes"}[1h]))'
    return (
        drawn.with_row(row("On the same axis"))
        .with_panel(
            lines(
                "Volume",
                "Fewer requests shift a distribution, too.",
                (rate("predictions_total"), "predictions/s"),
                unit="reqps",
            )
        )
        .with_panel(
            lines(
                "Precision",
                f"Does the drift cost anything? {UNLABELLED}",
                (f"{hits} / {positives}", "{{model_name}} {{model_version}}"),
                unit="percentunit",
                most=1,
            )
        )
    )
