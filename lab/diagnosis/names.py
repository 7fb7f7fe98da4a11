"""The names of signals that the engine reads, and the questions it asks of each backend.

The lab may not import the services' chassis, so its names stand here as strings, once.
"""

from __future__ import annotations

# Attributes of spans, as a search result names them.
INSTANCE = "service.instance.id"
VERSION = "service.version"
REQUEST_ID = "request.id"
STATUS_CODE = "http.response.status_code"
PEER = "peer.service"
MODEL = "ml.model.name"
MODEL_VERSION = "ml.model.version"
TOKENS = "ml.input.tokens"
BATCH = "ml.batch.size"
PREDICTION = "ml.prediction.value"
PIXELS = "photo.pixels"
PHOTO_BYTES = "photo.bytes"
CACHE_HIT = "cache.hit"
FEATURE_AGE = "feature.age"
PAYLOAD = "payload.bytes"
ERROR_TYPE = "error.type"
DEGRADED = "prediction.degraded"
DB_BATCH = "db.operation.batch.size"
DEFINITIONS = "feature.definitions"  # the version of what makes features

SPAN_ATTRIBUTES = (
    REQUEST_ID, STATUS_CODE, PEER, MODEL, MODEL_VERSION, TOKENS, BATCH, PREDICTION, PIXELS, PHOTO_BYTES, CACHE_HIT,
    FEATURE_AGE, PAYLOAD, ERROR_TYPE, DEGRADED, DB_BATCH, DEFINITIONS,
)  # fmt: skip
SPANS_QUERY = "{ } | select(%s)" % ", ".join(  # noqa: UP031 - braces are TraceQL's own
    [
        "name", "kind", "status", "statusMessage", "span:parentID", "resource.service.name",
        f"resource.{INSTANCE}", f"resource.{VERSION}", *(f"span.{name}" for name in SPAN_ATTRIBUTES),
    ]
)  # fmt: skip
ERROR_LINES_QUERY = '{service_name=~".+"} | severity_text=~"(?i)warn.*|error|critical|fatal"'
LINES_QUERY = '{service_name=~".+"}'

ROOT_SERVICE = "gateway"
ROOT_OPERATION = "POST /v1/predictions"


def _growth(metric: str, by: str) -> str:
    """How much a counter grew in the window, by labels; one that was born within it counts from zero."""
    return (
        f"sum by (service_name, {by}) ((increase({metric}[$window]) and {metric} offset $window) "
        f"or ({metric} unless {metric} offset $window))"
    )


def _mean(metric: str, by: str = "") -> str:
    labels = f"service_name, {by}" if by else "service_name"
    return (
        f"sum by ({labels}) (increase({metric}_sum[$window])) / sum by ({labels}) (increase({metric}_count[$window]))"
    )


# Watched like features, but made of them: where a part is missing they pile up on what stands in for it.
ANSWERS = frozenset({"price", "conversion_probability"})
# Series by a short name. Each is an instant query at the window's end; $window is its length.
QUERIES: dict[str, str] = {
    "requests": _growth("http_requests_total", "route, status"),
    "predictions": _growth("predictions_total", "outcome"),
    "parts_missing": _growth("prediction_parts_missing_total", "part"),
    "rejected": _growth("requests_rejected_total", "reason"),
    "client_requests": _growth("client_requests_total", "peer, result"),
    "retries": _growth("client_retries_total", "peer"),
    "connections": _growth("client_connections_opened_total", "peer"),
    "sent_bytes": _growth("client_sent_bytes_total", "peer"),
    "received_bytes": _growth("client_received_bytes_total", "peer"),
    "deadlines": _growth("deadlines_exceeded_total", "peer"),
    "breaker": "max by (service_name, peer) (max_over_time(circuit_breaker_state[$window]))",
    "pool_waiting": "max by (service_name, pool) (max_over_time(pool_waiting[$window]))",
    "pool_wait": _mean("pool_wait_seconds", "pool"),
    "pool_limit": "min by (service_name, pool) (min_over_time(pool_limit[$window]))",
    "batch_wait": _mean("batch_wait_seconds", "model_name, model_version"),
    "batch_size": _mean("batch_size", "model_name, model_version"),
    "model_errors": _growth("model_errors_total", "model_name, model_version"),
    "inference": _mean("model_inference_duration_seconds", "model_name, model_version"),
    "score_mean": _mean("model_prediction_value", "model_name, model_version"),
    "scores": (
        "sum by (service_name, model_name, model_version, le) (increase(model_prediction_value_bucket[$window]))"
    ),
    "cache": _growth("cache_requests_total", "cache, result"),
    "feature_age": "histogram_quantile(0.5, sum by (service_name, le) (increase(feature_age_seconds_bucket[$window])))",
    "feature_age_mean": _mean("feature_age_seconds"),
    "defaults": _growth("feature_defaults_total", "feature"),
    "events_accepted": "sum by (service_name) (increase(events_accepted_total[$window]))",
    "events_counted": "sum by (service_name) (increase(events_counted_total[$window]))",
    "events_waiting": "max by (service_name) (max_over_time(events_waiting[$window]))",
    # Of a model's embeddings each moves with its version; what a version does is told by its scores.
    "feature_values": _growth('feature_values_total{feature!~".*_embedding_.*"}', "feature, bin"),
    "feature_ks": "max by (service_name, feature) (max_over_time(feature_drift_ks[$window]))",
    "psi": '{__name__=~".*psi.*"}',
    "outcomes": _growth("outcomes_joined_total", "model_name, model_version, segment, predicted, actual"),
    "label_lag": _mean("label_lag_seconds"),
    "outcome_results": _growth("outcomes_total", "result"),
    "loop_lag": _mean("event_loop_lag_seconds"),
    "loop_lag_p99": (
        "histogram_quantile(0.99, sum by (service_name, le) (increase(event_loop_lag_seconds_bucket[$window])))"
    ),
    "gc_pause": "sum by (service_name) (rate(gc_pause_seconds_sum[$window]))",
    "gc_slow": (
        "sum by (service_name) (increase(gc_pause_seconds_count[$window])) "
        '- sum by (service_name) (increase(gc_pause_seconds_bucket{le="0.1"}[$window]))'
    ),
    "memory": "max by (service_name) (max_over_time(process_resident_memory_bytes[$window]))",
    "memory_start": "max by (service_name) (process_resident_memory_bytes offset $window)",
    "memory_low": "min by (service_name) (min_over_time(process_resident_memory_bytes[$window]))",
    "threads": "max by (service_name) (max_over_time(process_threads[$window]))",
    "cpu": 'sum by (service_name) (rate(process_cpu_seconds_total{job="services"}[$window]))',
    "run_queue": "sum by (service_name) (rate(process_run_queue_wait_seconds_total[$window]))",
    "pressure": "max(rate(host_cpu_pressure_seconds_total[$window]))",
    "starts": 'sum by (service_name) (changes(process_start_time_seconds{job="services"}[$window]))',
    "up": 'min by (service_name) (avg_over_time(up{job="services"}[$window]))',
    "backends_up": 'min by (service_name, job) (avg_over_time(up{job!="services"}[$window]))',
    "build": 'count by (service_name, version) (last_over_time(build_info{job="services"}[$window]))',
    "redis_slow": "max(increase(redis_slowlog_last_id[$window]))",
    "redis_slow_last": "max(redis_last_slow_execution_duration_seconds)",
    "redis_commands": "sum by (cmd) (increase(redis_commands_total[$window]))",
    "redis_time": "sum by (cmd) (increase(redis_commands_duration_seconds_total[$window]))",
    "redis_rejected": "sum(increase(redis_commands_rejected_calls_total[$window]))",
    "redis_out_bytes": "sum(increase(redis_net_output_bytes_total[$window]))",
    "redis_up": "min(min_over_time(redis_up[$window]))",
    "exported": _growth("telemetry_exported_items_total", "signal"),
    "dropped": _growth("telemetry_dropped_items_total", "signal, reason"),
    "store_received": (
        "sum(increase(telemetry_store_items_received_total[$window])) "
        "or sum(increase(otelcol_receiver_accepted_spans[$window]))"
    ),
    "store_refused": (
        'sum(increase({__name__=~"telemetry_store.*(refused|dropped).*_total"}[$window])) '
        'or sum(increase({__name__=~"otelcol_.*(refused|failed).*"}[$window]))'
    ),
    "series": 'sum by (service_name) (last_over_time(scrape_samples_post_metric_relabeling{job="services"}[$window]))',
    "alerts": 'max by (alertname, service_name) (max_over_time(ALERTS{alertstate="firing"}[$window]))',
}


def promql(name: str, seconds: float) -> str:
    """The query as one would type it, for a window of so many seconds."""
    return QUERIES[name].replace("$window", f"{max(int(seconds), 1)}s")
