"""Does what the models are fed still look like what they learnt from? Beside volume and precision, on one time axis."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.model_quality import UNLABELLED
from deploy.grafana.source.panels import EMPTY, board, lines, mean, quantile, rate, section


def dashboard() -> Dashboard:
    drawn = board("Drift", "drift", "Features and predictions against their reference, beside volume and precision.")
    return _consequences(_predictions(_features(_distances(drawn))))


def _distances(drawn: Dashboard) -> Dashboard:
    some = f"{EMPTY}there is no score under 500 rows in 30 minutes."
    name = "{{feature}} ({{model_name}} {{model_version}})"
    return section(
        drawn,
        "Distance to the reference",
        lines(
            "PSI by feature",
            f"Over 0.1 look, over 0.25 for two windows an alert pages. {some}",
            ("feature:psi:window", name),
        ),
        lines(
            "KS by feature",
            f"The greatest gap between the two distributions, by replica. {EMPTY}until a first window has closed.",
            ("max by (model_name, model_version, feature) (feature_drift_ks)", name),
            most=1,
        ),
        lines(
            "Rows in the window",
            f"Is there enough to score? {EMPTY}until features are binned.",
            ("min by (model_name, model_version) (feature:rows:window)", "{{model_name}} {{model_version}}"),
        ),
        lines(
            "Users on the candidate",
            "Is it drift, or a canary?",
            ("max by (model_name) (canary_share_percent)", "{{model_name}}"),
            unit="percent",
        ),
    )


def _features(drawn: Dashboard) -> Dashboard:
    age = [(quantile(q, "feature_age_seconds"), f"p{q * 100:g}") for q in (0.5, 0.95)]
    return section(
        drawn,
        "Features",
        lines("Age of behaviour features", "Are they as fresh as the objective wants?", *age, unit="s"),
        lines(
            "Served by default",
            f"Which features are missing? {EMPTY}a healthy store knows every feature.",
            (rate("feature_defaults_total", "feature"), "{{feature}}"),
            unit="reqps",
        ),
        lines(
            "Events",
            f"Do events still reach the features? {EMPTY}only while events are sent.",
            (rate("events_accepted_total"), "accepted/s"),
            (rate("events_counted_total", "result"), "{{result}}/s"),
            unit="reqps",
        ),
        lines(
            "Events waiting, and their lag",
            "Is the aggregation behind?",
            ("sum(events_waiting)", "waiting"),
            (quantile(0.95, "event_lag_seconds"), "lag p95 s"),
        ),
    )


def _predictions(drawn: Dashboard) -> Dashboard:
    values = mean("model_prediction_value", "model_name, model_version")
    name = "{{model_name}} {{model_version}}"
    return section(
        drawn,
        "Predictions",
        lines("Mean value", "Does a model say something else than it used to?", (values, name), least=None),
        lines(
            "Median value",
            "The same, without the outliers.",
            (quantile(0.5, "model_prediction_value", "model_name, model_version"), name),
            least=None,
        ),
    )


def _consequences(drawn: Dashboard) -> Dashboard:
    return section(
        drawn,
        "On the same axis",
        lines(
            "Volume",
            "Fewer requests shift a distribution, too.",
            (rate("predictions_total"), "predictions/s"),
            unit="reqps",
        ),
        lines(
            "Precision",
            f"Does the drift cost anything? {UNLABELLED}",
            ("model:precision:window", "{{model_name}} {{model_version}}"),
            unit="percentunit",
            most=1,
        ),
    )
