"""Every name a signal of ours carries, declared once: metrics, spans, attributes, log fields.

Dashboards, alerts, runbooks and drills are tested against this file. Labels are bounded sets only: never a user, a
listing, a URL or free text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NAMESPACE = "marketplace"  # service.namespace of every signal; the product's own name stands in none

LATENCY_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)  # objectives use le="0.1"
FINE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
SCORE_BUCKETS = tuple(round(step / 10, 1) for step in range(1, 10))
PRICE_BUCKETS = (50_000.0, 75_000.0, 100_000.0, 130_000.0, 160_000.0, 200_000.0, 250_000.0, 335_000.0, 500_000.0)
_MODEL = ("model_name", "model_version")  # labels of whatever one version of a model does


@dataclass(frozen=True)
class Metric:
    """A Prometheus metric: full name as scraped, kind, unit, help, label names, and a histogram's bucket edges."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = LATENCY_BUCKETS


def _counter(name: str, help: str, *labels: str, unit: str = "1") -> Metric:
    return Metric(name, "counter", unit, help, labels)


def _gauge(name: str, help: str, *labels: str, unit: str = "1") -> Metric:
    return Metric(name, "gauge", unit, help, labels)


def _histogram(
    name: str, help: str, *labels: str, unit: str = "s", buckets: tuple[float, ...] = LATENCY_BUCKETS
) -> Metric:
    return Metric(name, "histogram", unit, help, labels, buckets)


# Requests
HTTP_REQUESTS = _counter("http_requests_total", "HTTP requests answered.", "method", "route", "status")
HTTP_REQUEST_DURATION = _histogram("http_request_duration_seconds", "Time to answer a request.", "method", "route")
PREDICTION_DURATION = _histogram("prediction_duration_seconds", "Time to answer a prediction.", "outcome")
PREDICTIONS = _counter("predictions_total", "Predictions answered: complete, degraded, rejected or failed.", "outcome")
PREDICTION_PARTS_MISSING = _counter("prediction_parts_missing_total", "Parts a degraded answer went without.", "part")
REQUESTS_REJECTED = _counter("requests_rejected_total", "Requests refused before any work.", "reason")

# Models
MODEL_INFERENCE_DURATION = _histogram(
    "model_inference_duration_seconds", "Time of one inference.", *_MODEL, buckets=FINE_BUCKETS
)
MODEL_SCORE = _histogram(
    "model_prediction_value",
    "Predicted value: a score from 0 to 1, a probability, or a price in 100 000 dollars.",
    *_MODEL,
    unit="1",
    buckets=(*SCORE_BUCKETS, 1.0, 1.3, 1.6, 2.0, 2.5, 3.35, 5.0),
)
MODEL_ERRORS = _counter("model_errors_total", "Inferences that failed.", *_MODEL)
MODEL_LOADED = _gauge("model_loaded", "1 while the model's weights are in memory.", *_MODEL)
BATCH_SIZE = _histogram("batch_size", "Requests in one batch.", *_MODEL, unit="1", buckets=(1, 2, 4, 8, 16))
BATCH_WAIT = _histogram("batch_wait_seconds", "Time a request waits for its batch.", *_MODEL, buckets=FINE_BUCKETS)
BATCH_QUEUE = _gauge("batch_queue_items", "Requests waiting for a batch.", *_MODEL)

# Features
FEATURE_AGE = _histogram(
    "feature_age_seconds",
    "Age of a user's behaviour features when served.",
    unit="s",
    buckets=(1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800),
)
FEATURE_DEFAULTS = _counter("feature_defaults_total", "Features served by their default.", "feature")
FEATURE_VALUES = _counter(
    "feature_values_total",
    "Values of a feature or a prediction, by the bin of the reference they fall into.",
    *_MODEL,
    "feature",
    "bin",
)
FEATURE_NULLS = _counter("feature_nulls_total", "Rows in which a feature was missing.", *_MODEL, "feature")
FEATURE_REFERENCE = _gauge(
    "feature_reference_share", "Share of the reference in a bin, half a count added to each.", *_MODEL, "feature", "bin"
)
FEATURE_KS = _gauge(
    "feature_drift_ks",
    "Kolmogorov-Smirnov distance of the last window to the reference, at the reference's bin edges.",
    *_MODEL,
    "feature",
)
FEATURE_WINDOW_ROWS = _gauge("feature_window_rows", "Rows of the last closed window.", *_MODEL)
FEATURE_WINDOW_CLOSED = _gauge(
    "feature_window_closed_timestamp_seconds", "When the last window was closed.", *_MODEL, unit="s"
)
FEATURE_ROWS_DROPPED = _counter(
    "feature_rows_dropped_total", "Rows that came faster than they could be binned.", *_MODEL
)
CACHE_REQUESTS = _counter("cache_requests_total", "Look-ups in a cache.", "cache", "result")

# Events
EVENTS_ACCEPTED = _counter("events_accepted_total", "Users' events that the store took.")
EVENTS_COUNTED = _counter("events_counted_total", "Events read; repeated ones change nothing.", "result")
EVENTS_WAITING = _gauge("events_waiting", "Events accepted and not yet counted.")
EVENT_LAG = _histogram(
    "event_lag_seconds",
    "From an event to its place in the user's features.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600),
)

# Outcomes
LEDGER_PENDING = _gauge("predictions_pending", "Predictions answered and not yet kept for their outcomes.")
LEDGER_DROPPED = _counter("predictions_dropped_total", "Predictions that could not be kept for their outcomes.")
OUTCOMES = _counter("outcomes_total", "Outcomes received: joined, repeated, unknown or gone.", "result")
OUTCOMES_JOINED = _counter(
    "outcomes_joined_total",
    "Outcomes joined with their prediction, by what was predicted and what came true.",
    *_MODEL,
    "segment",
    "predicted",
    "actual",
)
PREDICTIONS_KEPT = _counter(
    "predictions_kept_total", "Predictions made, whose outcomes may come.", *_MODEL, "segment", "predicted"
)
REVENUE = _counter(
    "conversion_revenue_dollars_total",
    "Sale prices of the conversions that were reported; predicted=yes: of leads, whom somebody called.",
    *_MODEL,
    "segment",
    "predicted",
)
CALIBRATION_EXPECTED = _counter(
    "calibration_expected_total",
    "Sum of the predicted chances of conversion, of predictions whose outcome is known, by the chance's decile.",
    *_MODEL,
    "bin",
)
CALIBRATION_CONVERTED = _counter("calibration_converted_total", "Those of them that converted.", *_MODEL, "bin")
PRICE_OUTCOMES = _counter(
    "price_outcomes_total", "Sales reported, by whether the price lay within the predicted interval.", *_MODEL, "result"
)
PRICE_ERROR = _counter("price_error_log_total", "Sum of the absolute logarithm of predicted over real price.", *_MODEL)
LABEL_LAG = _histogram(
    "label_lag_seconds",
    "Marketplace time from a prediction to its outcome.",
    buckets=(3_600, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 1_209_600, 2_592_000),
)

# Deployments
DEPLOYMENTS = _counter("deployments_total", "Starts, changes of a canary's share, releases of features.", "kind")
DEPLOYED_AT = _gauge("deployment_timestamp_seconds", "When the last one was.", "kind", unit="s")
CANARY_SHARE = _gauge("canary_share_percent", "Percent of users on a model's candidate version.", "model_name")

# Clients, pools, breakers
CLIENT_REQUESTS = _counter("client_requests_total", "Attempts a client made.", "peer", "result")
CLIENT_RETRIES = _counter("client_retries_total", "Attempts after the first.", "peer")
CLIENT_RETRIES_DENIED = _counter("client_retries_denied_total", "Retries the budget forbade.", "peer")
CLIENT_CONNECTIONS = _counter("client_connections_opened_total", "Connections a client opened.", "peer")
CLIENT_SENT = _counter("client_sent_bytes_total", "Bytes a client sent.", "peer", unit="By")
CLIENT_RECEIVED = _counter("client_received_bytes_total", "Bytes a client received.", "peer", unit="By")
BREAKER_STATE = _gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open.", "peer")
DEADLINES_EXCEEDED = _counter("deadlines_exceeded_total", "Calls given up at their deadline.", "peer")
POOL_LIMIT = _gauge("pool_limit", "Slots of a bounded pool.", "pool")
POOL_IN_USE = _gauge("pool_in_use", "Slots of a bounded pool in use.", "pool")
POOL_WAITING = _gauge("pool_waiting", "Callers waiting for a slot of a bounded pool.", "pool")
POOL_WAIT = _histogram("pool_wait_seconds", "Time spent waiting for a slot.", "pool", buckets=FINE_BUCKETS)

# The process
EVENT_LOOP_LAG = _histogram("event_loop_lag_seconds", "How late the event loop runs a timer.", buckets=FINE_BUCKETS)
GC_PAUSE = _histogram("gc_pause_seconds", "Pauses by the garbage collector.", "generation", buckets=FINE_BUCKETS)
MEMORY = _gauge("process_resident_memory_bytes", "Resident memory.", unit="By")
THREADS = _gauge("process_threads", "Threads of the process.")
CPU = _counter("process_cpu_seconds_total", "CPU time used.", unit="s")
OPEN_FILES = _gauge("process_open_fds", "Open files and sockets of the process.")
RUN_QUEUE_WAIT = _counter(
    "process_run_queue_wait_seconds_total", "Time the threads were ready to run and no core was free.", unit="s"
)
HOST_PRESSURE = _counter(
    "host_cpu_pressure_seconds_total", "Time that at least one task of the machine waited for a core.", unit="s"
)
START_TIME = _gauge("process_start_time_seconds", "Start of the process since the epoch.", unit="s")
BUILD_INFO = _gauge("build_info", "1; the labels say which build runs.", "version", "python_version")
READY = _gauge("service_ready", "1 while the service is ready for requests.")

# The telemetry itself
TELEMETRY_QUEUE = _gauge("telemetry_queue_items", "Items waiting for export.", "signal")
TELEMETRY_EXPORTED = _counter("telemetry_exported_items_total", "Items handed to the collector.", "signal")
TELEMETRY_DROPPED = _counter(
    "telemetry_dropped_items_total", "Items lost before the collector had them.", "signal", "reason"
)
LOG_LINES_LEFT_OUT = _counter("log_lines_left_out_total", "INFO lines that were left out with their trace.")

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))


@dataclass(frozen=True)
class NativeHistogram:
    """An exponential histogram, by OTLP, beside a classic one.

    Its name differs from the classic one's, because two histograms under one name collide in Prometheus.
    ``attributes`` gives the OpenTelemetry name for each label of ``source``.
    """

    name: str
    scraped: str  # as Prometheus spells it after translation
    source: Metric
    attributes: tuple[tuple[str, str], ...]


NATIVE_HTTP_DURATION = "http.server.request.duration"
NATIVE_INFERENCE_DURATION = "ml.inference.duration"
NATIVE_HISTOGRAMS = (
    NativeHistogram(
        NATIVE_HTTP_DURATION,
        "http_server_request_duration_seconds",
        HTTP_REQUEST_DURATION,
        (("method", "http.request.method"), ("route", "http.route")),
    ),
    NativeHistogram(
        NATIVE_INFERENCE_DURATION,
        "ml_inference_duration_seconds",
        MODEL_INFERENCE_DURATION,
        (("model_name", "ml.model.name"), ("model_version", "ml.model.version")),
    ),
)

# Attributes of our own on spans (OpenTelemetry's stable names are used where there are any)
REQUEST_ID = "request.id"
SESSION_ID = "session.id"
EXPERIMENT = "experiment"
ML_MODEL_NAME = "ml.model.name"
ML_MODEL_VERSION = "ml.model.version"
ML_BATCH_SIZE = "ml.batch.size"
ML_TOKENS = "ml.input.tokens"
ML_PREDICTION = "ml.prediction.value"
PHOTO_BYTES = "photo.bytes"
PHOTO_PIXELS = "photo.pixels"
PREDICTION_DEGRADED = "prediction.degraded"
PREDICTION_MISSING = "prediction.missing"
PEER_SERVICE = "peer.service"
POOL_NAME = "pool.name"
CACHE_HIT = "cache.hit"
FEATURE_COUNT = "feature.count"
FEATURE_VERSION = "feature.definitions"
EVENT_COUNT = "event.count"
OUTCOME_COUNT = "outcome.count"
FEATURE_AGE_S = "feature.age"
PAYLOAD_BYTES = "payload.bytes"
DEADLINE_MS = "deadline.remaining_ms"

# Names of spans
SPAN_NAMES = (
    "authenticate",
    "admission",
    "fan_out",
    "feature_lookup",
    "neighbourhood_stats",
    "decode_photo",
    "preprocess",
    "batch_wait",
    "model_inference",
    "postprocess",
    "fuse_prediction",
    "serialize",
    "model_load",
    "aggregate_events",
    "join_outcomes",
)

# Fields of a JSON log line
LOG_FIELDS = (
    "timestamp",
    "level",
    "message",
    "service",
    "logger",
    "request_id",
    "trace_id",
    "span_id",
    *_MODEL,
    "prediction",
)
