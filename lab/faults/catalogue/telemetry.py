"""Faults of the telemetry itself."""

from __future__ import annotations

from lab.faults.row import Row, ServiceEffect, SharedEffect
from lab.faults.signals import Evidence, Logged, Prom, Traced, rate

SERVICES = ("nlp_model", "cv_model", "gateway", "feature_store", "orchestrator")

ROWS = (
    Row(
        "unjoined-logs",
        "",
        "error lines carry no ids",
        "broken correlation",
        (
            ServiceEffect("cv_model", "bare_lines"),
            ServiceEffect("orchestrator", "cut_body", {"peer": "cv_model", "limit": 4_000}),
        ),
        (
            Evidence(
                "error lines that no trace leads to",
                Logged('{service_name="cv_model"} | severity_text="ERROR" | trace_id=""'),
                0.1,
            ),
        ),
        ("cv_model",),
        also=("logs without trace ids",),
        look_alikes=("unsampled", "lost-context"),
        dialled=False,
        expected=("PhotoError", "PIL", "services/cv_model", "OSError"),
    ),
    Row(
        "clock-skew",
        "",
        "its clock is seconds ahead",
        "clock skew",
        (ServiceEffect("PLACE", "fast_clock"),),
        (Evidence("children outside their parents, all of one service", Traced("outside_parent", "nlp_model"), 0.5),),
        SERVICES,
        also=("clock drift",),
        look_alikes=("far-hop", "lost-context"),
    ),
    Row(
        "dropped-spans",
        "",
        "the queue of spans is far too small",
        "telemetry loss",
        (ServiceEffect("PLACE", "short_queue"),),
        (
            Evidence(
                "spans are dropped and counted",
                Prom(
                    rate(
                        'telemetry_dropped_items_total{service_name="feature_store",signal="traces",reason="queue_full"}'
                    )
                ),
                0.5,
            ),
        ),
        ("feature_store", "gateway", "orchestrator", "nlp_model", "cv_model"),
        also=("missing spans",),
        look_alikes=("unsampled", "lost-context", "backend-refusing"),
    ),
    Row(
        "backend-refusing",
        "",
        "the backend's queue is tiny: it refuses",
        "telemetry loss",
        (SharedEffect("tiny_queue"),),
        (Evidence("the backend refuses", Prom(rate("telemetry_store_items_refused_total")), 5),),
        ("telemetry pipeline",),
        also=("backpressure",),
        look_alikes=("over-shedding", "dropped-spans"),
        dialled=False,
    ),
)
