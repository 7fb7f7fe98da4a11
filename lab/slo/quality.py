"""Rules over drift, labels and the business metric: counters in, scores out, nothing said below enough rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.slo.model import DAY, MINUTE, Alert, Rule, Setting, duration, group, record

MODEL = "model_name, model_version"
FEATURE = f"{MODEL}, feature"
PREDICTIONS = "price|conversion_probability|text_score|photo_score|.*_embedding_.*"
LEAST_ROWS = 500  # unshifted PSI of 500 rows stays under 0.046 in 99 of 100 windows (docs/slo.md)
PSI_LIMIT = 0.25
PRECISION_FLOOR = 0.93
Z = 1.96  # two-sided 95 %
Z_VERSIONS = 3.3  # one in two thousand by chance
_HITS = {"predicted": "yes", "actual": "yes"}
_WHICH = "{{ $labels.model_name }} {{ $labels.model_version }}"
_LEADS = '{ name = "model_inference" && span.ml.model.name = "conversion_model" }'


@dataclass(frozen=True)
class Windows:
    """Ranges of one rule set, and how many labelled positives a precision needs."""

    drift: str
    labels: str
    held: str
    drift_held: str
    least_labels: int
    suffix: str

    def name(self, what: str) -> str:
        """Of a series that is recorded about the models."""
        return f"model:{what}:{self.suffix}"


def windows(setting: Setting) -> Windows:
    """The set for drills judges less than 500 labels, so there the whole Wilson interval must lie below the floor."""
    if setting.fast:
        # Three minutes of the default traffic are 900 rows: two would at times hold less than 500.
        return Windows("3m", setting.label_window(4 * DAY), "30s", "1m", 100, "drill")
    labels = setting.label_window(7 * DAY)
    return Windows(duration(30 * MINUTE), labels, setting.label_window(DAY), duration(30 * MINUTE), 500, "window")


def quality_groups(setting: Setting) -> list[dict[str, Any]]:
    each = windows(setting)
    end = "-drill" if setting.fast else ""
    # Some 600 series over minutes: every 5 s, as the rest, that would be the costliest thing Prometheus does.
    every = "10s" if setting.fast else "30s"
    return [
        group(f"drift{end}", [*_drift(each), *_drift_alerts(each, setting)], every),
        group(f"labels{end}", [*_labels(each), *_label_alerts(each, setting)], every),
    ]


def _drift(each: Windows) -> list[Rule]:
    """PSI = sum over bins of (a - e) ln(a / e), half a count added to each bin, as chassis.drift has it."""
    rows, share, psi = (f"feature:{what}:{each.suffix}" for what in ("rows", "share", "psi"))
    binned = f"sum by ({FEATURE}, bin) (increase(feature_values_total[{each.drift}]))"

    reference = f"max by ({FEATURE}, bin) (feature_reference_share)"
    return [
        record(rows, f"sum by ({FEATURE}) (increase(feature_values_total[{each.drift}]))"),
        record(
            share,
            f"({binned} + 0.5) / on ({FEATURE}) group_left () ({rows} + 0.5 * count by ({FEATURE}) ({reference}))",
        ),
        record(
            psi,
            f"sum by ({FEATURE}) (({share} - on ({FEATURE}, bin) {reference})"
            f" * on ({FEATURE}, bin) ln({share} / on ({FEATURE}, bin) {reference}))"
            f" and on ({FEATURE}) {rows} >= {LEAST_ROWS}",
        ),
    ]


def _drift_alerts(each: Windows, setting: Setting) -> list[Rule]:
    psi = f"feature:psi:{each.suffix}"
    within = f"{each.drift} of drift to fill the window, held for {each.drift_held}: two windows"
    culprit = '{ resource.service.name = "orchestrator" && name = "fuse_prediction" }'
    alerts = [
        Alert(
            "FeatureDrift", f'{psi}{{feature!~"{PREDICTIONS}"}} > {PSI_LIMIT}', each.drift_held, "page",
            "{{ $labels.feature }} has a PSI of {{ $value | humanize }} against {{ $labels.model_name }}'s reference",
            "drift", '{ name = "feature_lookup" }', within,
        ),
        Alert(
            "PredictionDrift", f'{psi}{{feature=~"{PREDICTIONS}"}} > {PSI_LIMIT}', each.drift_held, "ticket",
            "{{ $labels.feature }} of {{ $labels.model_name }} {{ $labels.model_version }} has a PSI of"
            " {{ $value | humanize }}",
            "drift", culprit, within,
        ),
    ]  # fmt: skip
    return [alert.rule(setting) for alert in alerts]


def _count(each: Windows, by: str, **where: str) -> str:
    chosen = ", ".join(f'{label}="{value}"' for label, value in where.items())
    return f"sum by ({by}) (increase(outcomes_joined_total{{{chosen}}}[{each.labels}]))"


def wilson(share: str, count: str, sign: str) -> str:
    """A bound of Wilson's score interval (1927) for a proportion: ``sign`` + or -."""
    square = Z * Z
    half = f"{Z} * sqrt(({share} * (1 - {share}) + {square / 4:.4f} / {count}) / {count})"
    return f"({share} + {square / 2:.4f} / {count} {sign} {half}) / (1 + {square:.4f} / {count})"


def _labels(each: Windows) -> list[Rule]:
    return [*_judged(each), *_priced(each), *_compared(each)]


def _judged(each: Windows) -> list[Rule]:
    """Precision with its interval and n, recall, calibration."""
    name = each.name
    expected = f"sum by ({MODEL}, bin) (increase(calibration_expected_total[{each.labels}]))"
    converted = f"sum by ({MODEL}, bin) (increase(calibration_converted_total[{each.labels}]))"
    return [
        record(name("labels"), _count(each, MODEL)),
        record(name("positives"), _count(each, MODEL, predicted="yes")),
        record(name("hits"), f"{_count(each, MODEL, **_HITS)} or 0 * {name('positives')}"),
        record(name("precision"), f"{name('hits')} / ({name('positives')} > 0)"),
        record(name("precision_low"), wilson(name("precision"), name("positives"), "-")),
        record(name("precision_high"), wilson(name("precision"), name("positives"), "+")),
        record(name("recall"), f"{name('hits')} / ({_count(each, MODEL, actual='yes')} > 0)"),
        record(name("converted_share"), f"{_count(each, MODEL, actual='yes')} / ({name('labels')} > 0)"),
        record(
            name("calibration_error"),
            f"sum by ({MODEL}) (abs({expected} - {converted})) / ({name('labels')} > 0)",
        ),
    ]


def _priced(each: Windows) -> list[Rule]:
    """Price error, how many sales lay within the interval, how many predictions have a label."""
    name = each.name
    sales = f"sum by ({MODEL}) (increase(price_outcomes_total[{each.labels}]))"
    covered = f'sum by ({MODEL}) (increase(price_outcomes_total{{result="covered"}}[{each.labels}]))'
    made = f"sum by ({MODEL}) (increase(predictions_kept_total[{each.labels}]))"
    return [
        record(name("price_error_log"),
               f"sum by ({MODEL}) (increase(price_error_log_total[{each.labels}])) / ({sales} > 0)"),
        record(name("price_covered"), f"({covered} or 0 * {sales}) / ({sales} > 0)"),
        record(name("label_coverage"), f"{name('labels')} / ({made} > 0)"),
    ]  # fmt: skip


def _compared(each: Windows) -> list[Rule]:
    """Segments, the labels' delay, and the versions."""
    name = each.name
    return [
        record(name("segment_positives"), _count(each, f"{MODEL}, segment", predicted="yes")),
        record(
            name("segment_precision"),
            f"({_count(each, f'{MODEL}, segment', **_HITS)} or 0 * {name('segment_positives')})"
            f" / ({name('segment_positives')} > 0)",
        ),
        record(
            name("segment_precision_high"), wilson(name("segment_precision"), name("segment_positives"), "+")
        ),
        record(name("label_lag_p50"),
               f"histogram_quantile(0.5, sum by (le) (increase(label_lag_seconds_bucket[{each.labels}])))"),
        record(name("version_z"), _two_proportions(name("hits"), name("positives"))),
    ]  # fmt: skip


def _two_proportions(hits: str, count: str) -> str:
    """z of the two-proportion test, v2 against v1, of conversions per lead: pooled variance (Fleiss, 1981, ch. 2)."""

    def of(series: str, version: str) -> str:
        return f'sum by (model_name) ({series}{{model_version="{version}"}})'

    a, b, m, n = of(hits, "v2"), of(hits, "v1"), of(count, "v2"), of(count, "v1")
    pooled = f"(({a} + {b}) / ({m} + {n}))"
    return f"({a} / {m} - {b} / {n}) / sqrt({pooled} * (1 - {pooled}) * (1 / {m} + 1 / {n}))"


def _label_alerts(each: Windows, setting: Setting) -> list[Rule]:
    alerts = [*_lead_alerts(each, setting), *_other_alerts(each)]
    return [alert.rule(setting) for alert in alerts]


def _lead_alerts(each: Windows, setting: Setting) -> list[Alert]:
    """About those who were said to convert: all of them, a segment, a version."""
    name, within = each.name, _within(each)
    judged = name("precision_high") if setting.fast else name("precision")
    enough = f"{name('positives')} >= {each.least_labels}"
    version = '{ name = "model_inference" && span.ml.model.version = "v2" }'
    least_segment = each.least_labels // 4
    return [
        Alert(
            "PrecisionLow", f"{name('precision')} < {PRECISION_FLOOR} and {judged} < {PRECISION_FLOOR} and {enough}",
            each.held, "page", f"precision with {_WHICH} is {{{{ $value | humanizePercentage }}}}, under 93 %",
            "model-quality", version, within,
        ),
        Alert(
            "SegmentGap",
            f"{name('precision')} - on ({MODEL}) group_right () {name('segment_precision_high')} > 0.05"
            f" and {name('segment_positives')} >= {least_segment}",
            each.held, "page",
            f"precision with {_WHICH} in segment {{{{ $labels.segment }}}} lies surely below that of all users",
            "model-quality", _LEADS, within,
        ),
        Alert(
            "ConversionFellWithVersion",
            f"{name('version_z')} < -{Z_VERSIONS}"
            f' and on (model_name) {name("positives")}{{model_version="v2"}} >= {least_segment}',
            each.held, "page",
            "fewer of {{ $labels.model_name }} v2's leads convert than of v1's (z = {{ $value | humanize }})",
            "model-quality", version, within,
        ),
    ]  # fmt: skip


def _other_alerts(each: Windows) -> list[Alert]:
    name = each.name
    return [
        Alert(
            "CalibrationOff", f"{name('calibration_error')} > 0.1 and {name('labels')} >= {each.least_labels}",
            each.held, "ticket", f"chances with {_WHICH} are off by {{{{ $value | humanizePercentage }}}} on average",
            "model-quality", _LEADS, _within(each),
        ),
        Alert(
            "LabelsLate", f"{name('label_lag_p50')} > {2 * DAY}", each.held, "ticket",
            "half of the outcomes come later than {{ $value | humanizeDuration }} of the marketplace's time",
            "model-quality", '{ name = "join_outcomes" }', f"late outcomes are half of those in {each.labels}",
        ),
    ]  # fmt: skip


def _within(each: Windows) -> str:
    return f"labels of {each.labels}, held for {each.held}"
