"""What each alert is fed, and when it is to fire.

Each case is a story: quiet just below the limit, firing above it, resolved after its end. 75 in 15 seconds is the
default traffic of five a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.slo.model import seconds

STEP_S, COARSE_STEP_S = 15, 60
COUNTERS = ("_total", "_count", "_sum", "_bucket", "start_time_seconds")
Values = Mapping[str, float]


@dataclass(frozen=True)
class Case:
    """``below`` and ``above`` give each series' value (a counter's growth in 15 s) in the two phases.

    The alert with these ``labels`` is quiet for ``lead``, fires at the latest ``within`` after the change and two
    minutes more, and has ``resolved`` that long after the end. It must not fire ``not_before`` after the change yet.
    """

    alert: str
    below: Values
    above: Values
    within: str
    resolved: str
    labels: str = ""
    lead: str = "10m"
    not_before: str = ""
    steady: Values = field(default_factory=dict)
    rules: str = "rules"

    @property
    def step(self) -> int:
        """Seconds between samples and evaluations: windows of hours need no fine ones, and take minutes with them."""
        return COARSE_STEP_S if seconds(self.lead) > 3_600 else STEP_S

    def test(self) -> dict[str, object]:
        """As promtool reads it."""
        change = seconds(self.lead)
        fires = change + seconds(self.within)
        end = fires + 120
        quiet = end + seconds(self.resolved)
        checks = [(change, False), (fires, True), (end - self.step, True), (quiet, False)]
        if self.not_before:
            checks.insert(1, (change + seconds(self.not_before), False))
        phases = (change, end, quiet + 60)
        series = {**{name: (self.below[name], self.above[name]) for name in self.below},
                  **{name: (value, value) for name, value in self.steady.items()}}  # fmt: skip
        return {
            "interval": f"{self.step}s",
            "input_series": [
                {"series": name, "values": _values(name, each, phases, self.step)} for name, each in series.items()
            ],
            "promql_expr_test": [self._check(at, fires) for at, fires in checks],
        }

    def _check(self, at: int, fires: bool) -> dict[str, object]:
        chosen = f'alertname="{self.alert}", alertstate="firing"{", " if self.labels else ""}{self.labels}'
        return {
            "expr": f"group by (alertname) (ALERTS{{{chosen}}})",
            "eval_time": f"{at}s",
            "exp_samples": [{"labels": f'{{alertname="{self.alert}"}}', "value": 1}] if fires else [],
        }


def _values(name: str, each: tuple[float, float], phases: tuple[int, int, int], step: int) -> str:
    """promtool's notation: ``a+bxn`` is n + 1 samples that grow by b."""
    below, above = each
    change, end, last = (moment // step for moment in phases)
    lengths = ((below, change), (above, end - change), (below, last - end))
    if not name.partition("{")[0].endswith(COUNTERS):
        return " ".join(f"{value}+0x{length - 1}" for value, length in lengths)
    parts, total = [], 0.0
    for value, length in lengths:
        growth = value * step / STEP_S
        parts.append(f"{total:.6f}+{growth:.6f}x{length - 1}")
        total += growth * length
    return " ".join(parts)


def binned(feature: str, first: float) -> Values:
    """75 values a sample in two bins, a share of them in the first."""
    labels = f'model_name="conversion_model", model_version="v1", feature="{feature}"'
    return {
        f'feature_values_total{{{labels}, bin="0"}}': 75 * first,
        f'feature_values_total{{{labels}, bin="1"}}': 75 * (1 - first),
    }


def halves(feature: str) -> Values:
    """A reference of two equal bins."""
    labels = f'model_name="conversion_model", model_version="v1", feature="{feature}"'
    return {f'feature_reference_share{{{labels}, bin="{each}"}}': 0.5 for each in (0, 1)}


def leads(count: float, precision: float, version: str = "v2", segment: str = "family") -> Values:
    """Labelled positives a sample, and the share of them that converted."""
    labels = f'model_name="nlp_model", model_version="{version}", segment="{segment}", predicted="yes"'
    return {
        f'outcomes_joined_total{{{labels}, actual="yes"}}': count * precision,
        f'outcomes_joined_total{{{labels}, actual="no"}}': count * (1 - precision),
    }


def shares(name: str, labels: str, good: str, bad: str, share: float) -> Values:
    """75 events a sample, of which a share is bad."""
    return {f'{name}{{{labels}="{good}"}}': 75 * (1 - share), f'{name}{{{labels}="{bad}"}}': 75 * share}


def slow(share: float) -> Values:
    name, labels = "prediction_duration_seconds", 'service_name="gateway", outcome="complete"'
    return {f'{name}_bucket{{{labels}, le="0.1"}}': 75 * (1 - share), f"{name}_count{{{labels}}}": 75}


def aged(share: float) -> Values:
    return {'feature_age_seconds_bucket{le="3600.0"}': 75 * (1 - share), "feature_age_seconds_count": 75}


def calibrated(converted: float) -> Values:
    labels = 'model_name="nlp_model", model_version="v1"'
    return {
        f'calibration_expected_total{{{labels}, bin="9"}}': 27,
        f'calibration_converted_total{{{labels}, bin="9"}}': 30 * converted,
        f'outcomes_joined_total{{{labels}, segment="family", predicted="yes", actual="yes"}}': 30,
    }


def lags(days: float) -> Values:
    edges = (86_400, 172_800, 345_600, 604_800)
    return {f'label_lag_seconds_bucket{{le="{edge}.0"}}': 30 if edge >= days * 86_400 else 0 for edge in edges} | {
        'label_lag_seconds_bucket{le="+Inf"}': 30
    }


def waits(name: str, labels: str, mean: float) -> Values:
    return {f"{name}_sum{{{labels}}}": 75 * mean, f"{name}_count{{{labels}}}": 75}


def outcome(bad: str, share: float) -> Values:
    return shares("predictions_total", "outcome", "complete", bad, share)


def redis(mean: float) -> Values:
    command = '{cmd="hgetall"}'
    return {f"redis_commands_duration_seconds_total{command}": 75 * mean, f"redis_commands_total{command}": 75}


def traced(share: float) -> Values:
    edge = 'traces_service_graph_request_total{client="orchestrator", server="cv_model", connection_type="%s"}'
    return {
        'client_requests_total{service_name="orchestrator", peer="cv_model", result="ok"}': 75,
        edge % "": 75 * share,
        edge % "virtual_node": 75 * (1 - share),  # what the caller alone tells of the rest
    }


def events(waiting: float, counted: float) -> Values:
    return {"events_waiting": waiting, 'events_counted_total{result="counted"}': counted}


def one(series: str, value: float) -> Values:
    return {series: value}


UP, BACKEND = 'up{job="services", service_name="cv_model"}', 'up{job="redis", service_name="redis"}'
MEMORY = 'process_resident_memory_bytes{service_name="gateway"}'
STARTED, SERIES = 'process_start_time_seconds{service_name="nlp_model"}', "scrape_samples_post_metric_relabeling"
DROPPED = 'telemetry_dropped_items_total{service_name="gateway", signal="traces", reason="queue_full"}'
DEFAULTS = 'feature_defaults_total{feature="behaviour"}'
FEATURE_ASKS = 'http_requests_total{service_name="feature_store", route="/v1/features"}'
BATCH = 'service_name="nlp_model", model_name="nlp_model", model_version="v1"'
POOL = 'service_name="feature_store", pool="redis"'
DRILL = 'set="drill"'

CASES = (
    Case("LatencyBudgetBurns", slow(0.005), slow(0.05), "13m", "40m", 'severity="page", set=""', "2h", "1m"),
    Case("LatencyBudgetBurns", slow(0.0005), slow(0.02), "40m", "7h", 'severity="ticket"', "2h", "1m"),
    Case("AvailabilityBudgetBurns", outcome("failed", 0.005), outcome("failed", 0.05), "13m", "40m",
         'severity="page", set=""', "2h", "1m"),
    Case("CompletenessBudgetBurns", outcome("degraded", 0.05), outcome("degraded", 0.3), "20m", "40m",
         'severity="page", set=""', "2h", "1m"),
    Case("FreshnessBudgetBurns", aged(0.03), aged(0.5), "20m", "40m", 'severity="page", set=""', "2h", "1m"),
    Case("ServiceSilent", one(UP, 1), one(UP, 0), "45s", "30s", not_before="15s"),
    Case("CrashLoop", one(STARTED, 0), one(STARTED, 1), "1m", "11m", not_before="15s"),
    Case("MemoryNearLimit", one(MEMORY, 355e6), one(MEMORY, 365e6), "45s", "30s", not_before="15s"),
    Case("BatchWaitLong", waits("batch_wait_seconds", BATCH, 0.045), waits("batch_wait_seconds", BATCH, 0.06), "3m",
         "2m", not_before="1m"),
    Case("FeaturesDefaulted", one(DEFAULTS, 3.5), one(DEFAULTS, 6), "3m", "3m", not_before="1m",
         steady={FEATURE_ASKS: 75}),
    Case("FeaturesStale", events(24, 75), events(100, 0), "2m", "1m", not_before="30s"),
    Case("RedisPoolWait", waits("pool_wait_seconds", POOL, 0.015), waits("pool_wait_seconds", POOL, 0.03), "2m", "2m",
         not_before="30s"),
    Case("RedisSlow", redis(0.004), redis(0.008), "2m", "2m", not_before="30s"),
    Case("TelemetryBackendDown", one(BACKEND, 1), one(BACKEND, 0), "75s", "30s", not_before="45s"),
    Case("TelemetryLost", one(DROPPED, 2), one(DROPPED, 5), "2m", "3m"),
    Case("SeriesOverBudget", one(f'{SERIES}{{job="services"}}', 1990), one(f'{SERIES}{{job="services"}}', 2010), "45s",
         "30s", not_before="15s"),
    Case("TracesBroken", traced(0.85), traced(0.6), "4m", "3m", not_before="1m"),
    Case("FeatureDrift", binned("area_m2", 0.73), binned("area_m2", 0.77), "61m", "31m",
         'feature="area_m2", set=""', "65m", "30m", halves("area_m2")),
    Case("PredictionDrift", binned("price", 0.73), binned("price", 0.77), "61m", "31m",
         'feature="price", set=""', "65m", "30m", halves("price")),
    Case("PrecisionLow", leads(30, 0.935), leads(30, 0.9), "10m", "8m", 'set=""', not_before="1m"),
    Case("SegmentGap", leads(15, 0.94), leads(15, 0.5), "10m", "8m", 'segment="family", set=""', not_before="1m",
         steady=leads(45, 0.96, segment="investor")),
    Case("ConversionFellWithVersion", leads(20, 0.95), leads(20, 0.8), "10m", "8m", 'set=""', not_before="1m",
         steady=leads(80, 0.96, "v1")),
    Case("CalibrationOff", calibrated(0.85), calibrated(0.7), "10m", "9m", 'set=""', not_before="1m"),
    Case("LabelsLate", lags(0.5), lags(3), "8m", "8m", 'set=""', not_before="1m"),
    # The same for drills, in windows of minutes.
    Case("LatencyBudgetBurns", slow(0.012), slow(0.03), "2m", "1m", DRILL),
    Case("AvailabilityBudgetBurns", outcome("failed", 0.012), outcome("failed", 0.05), "2m", "1m", DRILL),
    Case("CompletenessBudgetBurns", outcome("degraded", 0.13), outcome("degraded", 0.3), "2m", "1m", DRILL),
    Case("FreshnessBudgetBurns", aged(0.13), aged(0.5), "2m", "1m", DRILL),
    Case("FeatureDrift", binned("area_m2", 0.73), binned("area_m2", 0.77), "5m", "4m", DRILL, "10m", "1m",
         halves("area_m2")),
    Case("PredictionDrift", binned("price", 0.73), binned("price", 0.77), "5m", "4m", DRILL, "10m", "1m",
         halves("price")),
    Case("PrecisionLow", leads(20, 0.94), leads(20, 0.75), "4m", "4m", DRILL, not_before="30s"),
    Case("SegmentGap", leads(8, 0.95), leads(8, 0.5), "4m", "4m", f'segment="family", {DRILL}', not_before="30s",
         steady=leads(30, 0.96, segment="investor")),
    Case("ConversionFellWithVersion", leads(10, 0.95), leads(10, 0.75), "4m", "4m", DRILL, not_before="30s",
         steady=leads(40, 0.96, "v1")),
    Case("CalibrationOff", calibrated(0.85), calibrated(0.7), "5m", "5m", DRILL, not_before="30s"),
    Case("LabelsLate", lags(0.5), lags(3), "5m", "5m", DRILL, not_before="30s"),
)  # fmt: skip
