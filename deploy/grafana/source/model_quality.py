"""Is what the models say right? Latency and errors can be perfect while it is not.

Windows are those of the rules (deploy/slo.yaml): seven marketplace days.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import (
    EMPTY,
    board,
    distribution,
    lines,
    mean,
    model_variable,
    quantile,
    rate,
    section,
)

ME = 'model_name="$model"'
UNLABELLED = f"{EMPTY}outcomes come days after predictions, so there is nothing before the first ones."
VERSION = "{{model_version}}"


def dashboard() -> Dashboard:
    drawn = board("Model quality", "model-quality", "Precision, conversion, labels and values, by version.")
    return _values(_labels(_business(_truth(drawn.with_variable(model_variable())))))


def recorded(rule: str) -> str:
    """A recorded series of the chosen model.

    >>> recorded("precision")
    'model:precision:window{model_name="$model"}'
    """
    return f"model:{rule}:window{{{ME}}}"


def _truth(drawn: Dashboard) -> Dashboard:
    return section(
        drawn,
        "Against what came true",
        lines(
            "Precision by version",
            f"Of those it called likely buyers, how many bought? With the 95 % interval. {UNLABELLED}",
            (recorded("precision"), VERSION),
            (recorded("precision_low"), f"{VERSION} low"),
            (recorded("precision_high"), f"{VERSION} high"),
            unit="percentunit",
            most=1,
        ),
        lines(
            "Precision by segment",
            f"Is one segment worse off than the others? {UNLABELLED}",
            (recorded("segment_precision"), "{{segment}} {{model_version}}"),
            unit="percentunit",
            most=1,
        ),
        lines(
            "Calibration and price error",
            f"Is a chance of 0.7 a chance of 0.7, and a price the price? {UNLABELLED}",
            (recorded("calibration_error"), f"{VERSION} calibration"),
            (recorded("price_error_log"), f"{VERSION} price, log"),
        ),
        lines(
            "Labelled positives",
            f"Is there enough to judge by? Under 500 no alert fires. {UNLABELLED}",
            (recorded("positives"), VERSION),
        ),
    )


def _business(drawn: Dashboard) -> Dashboard:
    dollars = rate("conversion_revenue_dollars_total", "model_version, segment", ME)
    return section(
        drawn,
        "What it is worth",
        lines(
            "Conversion by version",
            f"Do users who got this version buy as often? {UNLABELLED}",
            (recorded("converted_share"), VERSION),
            unit="percentunit",
        ),
        lines(
            "Revenue by version and segment",
            f"Which part of the sales does a version carry? {UNLABELLED}",
            (dollars, "{{segment}} {{model_version}}"),
            unit="currencyUSD",
            stacked=True,
        ),
        lines(
            "Do the versions differ?",
            f"Two-proportion z of precision, v2 against v1: beyond 2 it is no accident. {UNLABELLED}",
            (recorded("version_z"), "z"),
            least=None,
        ),
        lines(
            "Prices within their interval",
            f"Objective: 9 of 10. {UNLABELLED}",
            (recorded("price_covered"), VERSION),
            unit="percentunit",
            most=1,
        ),
    )


def _labels(drawn: Dashboard) -> Dashboard:
    def joined(by: str) -> str:
        return f"sum{by} (increase(outcomes_joined_total{{{ME}}}[1h]))"

    return section(
        drawn,
        "Labels",
        lines(
            "Distribution of labels",
            f"Does the truth itself change? {UNLABELLED}",
            (f"{joined(' by (actual)')} / on () group_left () {joined('')}", "{{actual}}"),
            unit="percentunit",
            most=1,
        ),
        lines(
            "Label lag",
            f"How long, in the marketplace's time, do outcomes take? {UNLABELLED}",
            (quantile(0.5, "label_lag_seconds"), "p50"),
            (quantile(0.95, "label_lag_seconds"), "p95"),
            unit="s",
        ),
        lines(
            "Outcomes",
            f"Do they find their prediction? {UNLABELLED}",
            (rate("outcomes_total", "result"), "{{result}}"),
            unit="reqps",
        ),
        lines(
            "Kept for their outcome",
            "Are predictions lost before they can be judged?",
            ("sum(predictions_pending)", "waiting to be kept"),
            (f"{rate('predictions_dropped_total')} or vector(0)", "dropped/s"),
        ),
    )


def _values(drawn: Dashboard) -> Dashboard:
    everyone = rate("model_prediction_value_count", where=ME)
    traffic = f"{rate('model_prediction_value_count', 'model_version', ME)} / on () group_left () {everyone}"
    buckets = f"sum by (le) (increase(model_prediction_value_bucket{{{ME}}}[$__rate_interval]))"
    inference = quantile(0.99, "model_inference_duration_seconds", "model_version", ME)
    return section(
        drawn,
        "What it says, and how fast",
        lines(
            "Mean value by version",
            "Do two versions say different things of the same world?",
            (mean("model_prediction_value", "model_version", ME), VERSION),
            least=None,
        ),
        distribution("Values", "Is it the same spread as yesterday?", buckets, unit="short"),
        lines("Inference, p99 by version", "Is the new version slower?", (inference, VERSION), unit="s"),
        lines("Share of traffic by version", "Who gets which?", (traffic, VERSION), unit="percentunit", most=1),
    )
