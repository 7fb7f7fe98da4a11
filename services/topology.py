"""Who there is, on which port, who calls whom, and which signals each must emit.

Compose, Kubernetes, the local supervisor and the tests are checked against this file. It imports nothing, so that the
lab may read it too.
"""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "marketplace"


@dataclass(frozen=True)
class Service:
    """One of the five services: its ports (before any offset), whom it calls, and what it must emit.

    ``spans`` are the names a healthy prediction's trace shows from this service, HTTP and Redis spans aside.
    ``models`` are the values of ``ml.model.name`` it serves.
    """

    name: str
    port: int
    calls: tuple[str, ...]
    spans: tuple[str, ...]
    models: tuple[str, ...] = ()
    memory_limit_mb: int = 700

    @property
    def metrics_port(self) -> int:
        return self.port + 1000

    @property
    def control_port(self) -> int:
        return self.port + 1100


SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        Service(
            "gateway",
            8000,
            calls=("orchestrator", "feature_store"),
            spans=("authenticate", "admission"),
            memory_limit_mb=400,
        ),
        Service(
            "feature_store",
            8001,
            calls=("redis",),
            spans=("feature_lookup", "neighbourhood_stats"),
            memory_limit_mb=400,
        ),
        Service(
            "orchestrator",
            8002,
            calls=("feature_store", "nlp_model", "cv_model", "redis"),
            spans=("fan_out", "model_inference", "fuse_prediction", "serialize"),
            models=("price_model", "conversion_model"),
            memory_limit_mb=600,
        ),
        Service(
            "nlp_model",
            8003,
            calls=(),
            spans=("preprocess", "batch_wait", "model_inference", "postprocess"),
            models=("nlp_model",),
            memory_limit_mb=1200,
        ),
        Service(
            "cv_model",
            8004,
            calls=(),
            spans=("decode_photo", "preprocess", "batch_wait", "model_inference", "postprocess"),
            models=("cv_model",),
            memory_limit_mb=1000,
        ),
    )
}

# Everything else that listens, by name; offset like the services.
BACKENDS: dict[str, int] = {
    "redis": 6390,
    "redis_exporter": 9121,
    "prometheus": 9090,
    "alertmanager": 9093,
    "pager": 9095,
    "telemetry_store_otlp": 4318,
    "telemetry_store": 3200,
    "lab": 8080,
}

# (caller, callee): the edges a service graph of healthy traffic shows.
EDGES: tuple[tuple[str, str], ...] = tuple(
    (service.name, callee) for service in SERVICES.values() for callee in service.calls
)


def ports(offset: int = 0) -> dict[str, int]:
    """Every port by a name of its own (``gateway``, ``gateway_metrics``, ``gateway_control``, ``redis`` …)."""
    table = {name: port + offset for name, port in BACKENDS.items()}
    for service in SERVICES.values():
        table[service.name] = service.port + offset
        table[f"{service.name}_metrics"] = service.metrics_port + offset
        table[f"{service.name}_control"] = service.control_port + offset
    return table
