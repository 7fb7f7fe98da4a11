"""Faults of the orchestrator and of its calls."""

from __future__ import annotations

from lab.faults.row import Row, ServiceEffect
from lab.faults.signals import Evidence, Prom, Traced, rate, ratio

ORCHESTRATOR, NLP, CV = "orchestrator", "nlp_model", "cv_model"
ASKED = 'http_requests_total{service_name="orchestrator",route="/v1/predict"}'
HOPS = (NLP, CV, "feature_store")

ATTEMPTS = Evidence(
    "the callee is asked several times a request",
    Prom(ratio('http_requests_total{service_name="nlp_model",route="/v1/score"}', ASKED)),
    1.4,
)
CANCELLED = Evidence("calls are given up at their deadline", Prom(rate('deadlines_exceeded_total{peer="cv_model"}')), 1)
CHURN = Evidence(
    "each call opens a connection",
    Prom(ratio(f'client_connections_opened_total{{peer="{NLP}"}}', f'client_requests_total{{peer="{NLP}"}}')),
    0.8,
)
GAP = Evidence("the client's span is far longer than its server's", Traced("gap_ms", NLP), 60, times=3)
CV_FAILS = Evidence(
    "cv_model refuses every photo", Prom(rate('http_requests_total{service_name="cv_model",status=~"4..|5.."}')), 1
)
PART_LOST = Evidence("answers go without the photo", Prom(rate('prediction_parts_missing_total{part="photo"}')), 1)

ROWS = (
    Row(
        "far-hop",
        "client",
        "the answers of one hop travel long",
        "network latency",
        (ServiceEffect(ORCHESTRATOR, "far_peer", {"peer": "PLACE"}),),
        (GAP,),
        HOPS,
        also=("slow network", "latency"),
        look_alikes=("long-text", "batch-wait", "cold-model", "connection-churn"),
        shared_out=True,
    ),
    Row(
        "sequential",
        "fan_out",
        "the calls are awaited one after another",
        "lost parallelism",
        (ServiceEffect(ORCHESTRATOR, "one_by_one"),),
        (Evidence("the calls no longer overlap", Traced("overlap", ORCHESTRATOR, "fan_out"), 0.05, "down"),),
        (ORCHESTRATOR,),
        also=("serialised calls",),
        look_alikes=("far-hop", "tight-deadline"),
        dialled=False,
        shared_out=True,
    ),
    Row(
        "retry-storm",
        "client",
        "a tight timeout, many retries, no budget",
        "retries",
        (ServiceEffect(ORCHESTRATOR, "eager_retries", {"peer": NLP}),),
        (ATTEMPTS,),
        (ORCHESTRATOR,),
        also=("retry storm", "metastable failure"),
        look_alikes=("tight-deadline", "connection-churn"),
        edge=(ORCHESTRATOR, NLP),
        expected=(
            "PeerTimeout",
            "ReadTimeout",
            "chassis/wire.py",
            "httpx",
            "httpcore",
            "chassis/client.py",
            "ClientDisconnect",
            "starlette",
        ),
    ),
    Row(
        "tight-deadline",
        "client",
        "a deadline below what cv_model normally takes",
        "timeout",
        (ServiceEffect(ORCHESTRATOR, "short_deadline", {"peer": CV}),),
        (CANCELLED,),
        (ORCHESTRATOR,),
        also=("deadline too short",),
        look_alikes=("retry-storm", "corrupt-photo", "crash-loop"),
        edge=(ORCHESTRATOR, CV),
        expected=(
            "PeerTimeout",
            "ReadTimeout",
            "chassis/wire.py",
            "httpx",
            "httpcore",
            "chassis/client.py",
            "DeadlineExceeded",
            "ClientDisconnect",
            "starlette",
        ),
    ),
    Row(
        "silent-fallback",
        "fan_out",
        "cv_model refuses every photo, and a typical score is put in its place unmarked",
        "hidden outage",
        (ServiceEffect(ORCHESTRATOR, "quiet_default"), ServiceEffect(CV, "photo_limit", {"pixels": 1_000})),
        (CV_FAILS,),
        (ORCHESTRATOR,),
        also=("masked failure", "silent failure"),
        look_alikes=("tight-deadline",),
        silent=True,
        back="w",
        dialled=False,
        expected=("PhotoError", "services/cv_model"),
    ),
    Row(
        "payload-bloat",
        "serialize",
        "answers carry the photo as base64 in many renditions",
        "payload size",
        (ServiceEffect(ORCHESTRATOR, "echoed_photo"),),
        (
            Evidence(
                "answers have hundreds of kilobytes",
                Traced("mean_value", ORCHESTRATOR, "serialize", "payload.bytes"),
                60_000,
            ),
        ),
        (ORCHESTRATOR,),
        also=("large payload", "serialization"),
        look_alikes=("far-hop", "connection-churn"),
        shared_out=True,
        expected=("photos",),
    ),
    Row(
        "connection-churn",
        "client",
        "each call opens a connection of its own",
        "connection handling",
        (ServiceEffect(ORCHESTRATOR, "fresh_connections", {"peer": NLP}),),
        (CHURN,),
        (ORCHESTRATOR,),
        also=("no keep-alive",),
        look_alikes=("far-hop", "retry-storm"),
        dialled=False,
        shared_out=True,
        expected=("connection",),
    ),
)
