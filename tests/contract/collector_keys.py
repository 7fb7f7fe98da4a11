"""What the collector's documentation knows of its components' settings: keys, and keys below them."""

from __future__ import annotations

from typing import Any

# Keys of each component at v0.159.0, as far as they are used here. Sources: config.schema.yaml (README.md for
# file_storage) of the component's folder in opentelemetry-collector and opentelemetry-collector-contrib, and
# exporter/exporterhelper/README.md for queues and retries. None: a value; a dict: keys below it.
Keys = dict[str, Any]
QUEUE: Keys = dict.fromkeys(
    ("enabled", "num_consumers", "wait_for_result", "block_on_overflow", "sizer", "queue_size", "storage")
)
QUEUE["batch"] = dict.fromkeys(("flush_timeout", "min_size", "max_size", "sizer", "partition"))
RETRY: Keys = dict.fromkeys(
    ("enabled", "initial_interval", "randomization_factor", "multiplier", "max_interval", "max_elapsed_time")
)
TLS: Keys = dict.fromkeys(("insecure", "ca_file", "cert_file", "key_file", "insecure_skip_verify"))
SENDER: Keys = {
    "endpoint": None,
    "tls": TLS,
    "timeout": None,
    "sending_queue": QUEUE,
    "retry_on_failure": RETRY,
    "compression": None,
}
SERVER: Keys = {"endpoint": None}
SUB_POLICY: Keys = {
    "name": None,
    "type": None,
    "status_code": {"status_codes": None},
    "latency": {"threshold_ms": None, "upper_threshold_ms": None},
    "boolean_attribute": dict.fromkeys(("key", "value", "invert_match")),
    "string_attribute": dict.fromkeys(("key", "values", "enabled_regex_matching", "cache_max_size", "invert_match")),
    "ottl_condition": dict.fromkeys(("error_mode", "span", "spanevent")),
    "probabilistic": dict.fromkeys(("hash_salt", "sampling_percentage")),
}
DIMENSION: Keys = dict.fromkeys(("name", "default", "glob"))
DOCUMENTED: dict[str, dict[str, Keys | None]] = {
    "receivers": {"otlp": {"protocols": {"grpc": SERVER, "http": SERVER}}},
    "processors": {
        "memory_limiter": dict.fromkeys(
            ("check_interval", "limit_mib", "spike_limit_mib", "limit_percentage", "spike_limit_percentage")
        ),
        "redaction": {
            **dict.fromkeys(("allow_all_keys", "allowed_keys", "ignored_keys", "ignored_key_patterns", "summary")),
            **dict.fromkeys(("blocked_key_patterns", "blocked_values", "allowed_values", "hash_function")),
        },
        "transform": {
            "error_mode": None,
            "metric_statements": {"context": None, "conditions": None, "statements": None},
        },
        "tail_sampling": {
            **dict.fromkeys(("decision_wait", "decision_wait_after_root_received", "num_traces", "block_on_overflow")),
            **dict.fromkeys(("expected_new_traces_per_sec", "sample_on_first_match", "maximum_trace_size_bytes")),
            "decision_cache": {"sampled_cache_size": None, "non_sampled_cache_size": None},
            "policies": {**SUB_POLICY, "and": {"and_sub_policy": SUB_POLICY}},
        },
        "k8s_attributes": {
            "auth_type": None,
            "passthrough": None,
            "filter": dict.fromkeys(("namespace", "node", "node_from_env_var", "labels", "fields")),
            "extract": dict.fromkeys(("metadata", "labels", "annotations", "deployment_name_from_replicaset")),
            "pod_association": {"sources": {"from": None, "name": None}},
        },
    },
    "exporters": {
        "otlp_grpc": SENDER,
        "otlp_http": {**SENDER, "traces_endpoint": None, "metrics_endpoint": None, "logs_endpoint": None},
        "load_balancing": {
            **dict.fromkeys(("routing_key", "routing_attributes", "timeout")),
            "retry_on_failure": RETRY,
            "sending_queue": QUEUE,
            "protocol": {"otlp": SENDER},
            "resolver": {
                "dns": dict.fromkeys(("hostname", "port", "interval", "timeout")),
                "k8s": None,
                "static": None,
            },
        },
    },
    "connectors": {
        "span_metrics": {
            **dict.fromkeys(("namespace", "exclude_dimensions", "aggregation_cardinality_limit", "metrics_expiration")),
            **dict.fromkeys(("metrics_flush_interval", "aggregation_temporality", "series_expiration")),
            "dimensions": DIMENSION,
            "calls_dimensions": DIMENSION,
            "histogram": {"unit": None, "disable": None, "dimensions": DIMENSION, "explicit": {"buckets": None}},
            "exemplars": {"enabled": None, "max_per_data_point": None},
        },
        "service_graph": {
            **dict.fromkeys(("latency_histogram_buckets", "dimensions", "metrics_flush_interval", "cache_loop")),
            **dict.fromkeys(("store_expiration_loop", "virtual_node_peer_attributes", "virtual_node_extra_label")),
            "database_name_attributes": None,
            "store": {"ttl": None, "max_items": None},
        },
        "forward": {},
    },
    "extensions": {
        "health_check": {"endpoint": None, "path": None},
        "file_storage": dict.fromkeys(("directory", "timeout", "fsync", "create_directory", "compaction")),
    },
}
