"""Faults of the gateway."""

from __future__ import annotations

from lab.faults.row import Row, ServiceEffect, SharedEffect
from lab.faults.signals import Evidence, Prom, Traced, rate, ratio

GATEWAY = "gateway"

ROWS = (
    Row(
        "over-shedding",
        "admission",
        "the limit is set below the traffic",
        "rate limit",
        (ServiceEffect(GATEWAY, "low_limit"),),
        (
            Evidence(
                "requests are refused with 429",
                Prom(rate('http_requests_total{service_name="gateway",status="429"}')),
                0.5,
            ),
        ),
        (GATEWAY,),
        also=("load shedding", "throttling"),
        look_alikes=("slow-auth", "backend-refusing"),
    ),
    Row(
        "slow-auth",
        "authenticate",
        "each request's key is derived anew, on the event loop",
        "CPU contention",
        (ServiceEffect(GATEWAY, "heavy_keys"),),
        (Evidence("authentication takes long", Traced("mean_ms", GATEWAY, "authenticate"), 10, times=4),),
        (GATEWAY,),
        also=("blocked event loop", "expensive hashing"),
        look_alikes=("over-shedding",),
        shared_out=True,
    ),
    Row(
        "lost-context",
        "client",
        "one hop does not pass the trace on",
        "broken trace",
        (ServiceEffect("orchestrator", "lost_header", {"peer": "cv_model"}),),
        (Evidence("cv_model is missing from the traces", Traced("share_with_service", "cv_model"), 0.1, "down"),),
        ("orchestrator",),
        also=("lost trace context", "lost context"),
        look_alikes=("lost-thread-context", "unsampled", "dropped-spans"),
        dialled=False,
        shared_out=True,
    ),
    Row(
        "unsampled",
        "",
        "part of the traces is not recorded",
        "broken trace",
        (ServiceEffect(GATEWAY, "unrecorded"),),
        (
            Evidence(
                "requests without a trace",
                Prom(
                    ratio(
                        'traces_spanmetrics_calls_total{span_name="POST /v1/predictions",span_kind="SPAN_KIND_SERVER"}',
                        'http_requests_total{service_name="gateway",route="/v1/predictions"}',
                    )
                ),
                0.75,
                "down",
            ),
        ),
        (GATEWAY,),
        also=("sampling", "missing traces"),
        look_alikes=("lost-context", "dropped-spans", "backend-refusing"),
    ),
    Row(
        "label-explosion",
        "",
        "the raw path of a URL becomes a label, and a crawler comes by",
        "cardinality",
        (ServiceEffect(GATEWAY, "raw_labels"), SharedEffect("crawler")),
        (
            Evidence(
                "the number of series climbs", Prom('count(http_requests_total{service_name="gateway"})'), 25, times=3
            ),
        ),
        (GATEWAY,),
        also=("label cardinality",),
        look_alikes=("over-shedding",),
        back="w",
    ),
)
