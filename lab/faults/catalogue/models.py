"""Faults of the two model services."""

from __future__ import annotations

from lab.faults.row import Row, ServiceEffect, SharedEffect
from lab.faults.signals import Evidence, Prom, Traced, highest, mean, psi, rate

NLP, CV = "nlp_model", "cv_model"
MODELS = (NLP, CV)
SERVICES = (NLP, CV, "gateway", "feature_store", "orchestrator")


def inference_ms(model: str) -> Prom:
    labels = f'model_name="{model}"'
    return Prom(f"1000 * {mean('model_inference_duration_seconds', labels)}")


NLP_ONLY = f'model_name="{NLP}"'
LOOP_LAG = Evidence(
    "the event loop is late", Prom(mean("event_loop_lag_seconds", f'service_name="{NLP}"')), 0.01, times=5
)
TOKENS = Evidence("texts have many tokens", Traced("mean_value", NLP, "preprocess", "ml.input.tokens"), 100)
LOADS = Evidence(
    "weights are loaded again and again", Prom(rate('traces_spanmetrics_calls_total{span_name="model_load"}')), 0.2
)
BATCH_WAIT = Evidence(
    "each request waits long for its batch", Prom(mean("batch_wait_seconds", f'model_name="{NLP}"')), 0.08
)
IDLE_WAIT = Evidence(
    "and the wait is no queue before a slow inference",
    Prom(f"({mean('batch_wait_seconds', NLP_ONLY)}) / ({mean('model_inference_duration_seconds', NLP_ONLY)})"),
    2,
)
THREADS = Evidence("the process has many threads", Prom(highest(f'process_threads{{service_name="{NLP}"}}')), 30)
DEATHS = Evidence(
    "the process starts again and again", Prom(f'max(changes(process_start_time_seconds{{service_name="{CV}"}}[w]))'), 2
)
GC = Evidence(
    "full collections take long",
    Prom(rate(f'gc_pause_seconds_sum{{service_name="{CV}",generation="2"}}')),
    0.03,
    times=3,
)
GATE_WAIT = Evidence(
    "requests wait before their batch",
    Prom(mean("pool_wait_seconds", f'service_name="{CV}",pool="inference"')),
    0.008,
    times=3,
)
PIXELS = Evidence("photos have many pixels", Traced("highest_value", CV, "decode_photo", "photo.pixels"), 8_000_000)

ROWS = (
    Row(
        "long-text",
        "preprocess",
        "texts are padded to hundreds of tokens",
        "oversized input",
        (ServiceEffect(NLP, "padded_text"),),
        (TOKENS, Evidence("inference follows", inference_ms(NLP), None, times=1.8)),
        (NLP,),
        also=("input size",),
        look_alikes=("thread-fight", "cold-model", "batch-wait"),
    ),
    Row(
        "thread-fight",
        "model_inference",
        "torch computes with far more threads than there are cores",
        "CPU contention",
        (ServiceEffect("PLACE", "many_threads"),),
        (THREADS,),
        MODELS,
        also=("oversubscription", "too many threads"),
        look_alikes=("long-text", "cold-model", "batch-wait"),
    ),
    Row(
        "cold-model",
        "model_load",
        "the weights are dropped after each use",
        "cache failure",
        (ServiceEffect("PLACE", "dropped_weights"),),
        (LOADS,),
        MODELS,
        also=("cold start", "model reload"),
        look_alikes=("long-text", "thread-fight"),
        dialled=False,
        edge=("orchestrator", NLP),
    ),
    Row(
        "blocked-loop",
        "model_inference",
        "inference runs on the event loop, in several passes",
        "blocked event loop",
        (ServiceEffect("PLACE", "inference_on_loop"),),
        (LOOP_LAG,),
        MODELS,
        also=("blocking call",),
        look_alikes=("long-text", "cold-model"),
    ),
    Row(
        "batch-wait",
        "batch_wait",
        "the batcher waits for a full batch",
        "queueing",
        (ServiceEffect("PLACE", "patient_batcher"),),
        (BATCH_WAIT, IDLE_WAIT),
        MODELS,
        also=("batching delay",),
        look_alikes=("cold-model", "long-text", "blocked-loop"),
    ),
    Row(
        "leak",
        "process",
        "memory is kept until the guard ends the process",
        "memory",
        (ServiceEffect("PLACE", "kept_memory"),),
        (
            Evidence(
                "resident memory climbs by hundreds of megabytes",
                Prom(
                    f'max(max_over_time(process_resident_memory_bytes{{service_name="{NLP}"}}[w])'
                    f' - min_over_time(process_resident_memory_bytes{{service_name="{NLP}"}}[w]))'
                ),
                2e8,
            ),
        ),
        SERVICES,
        also=("memory leak", "out of memory"),
        look_alikes=("crash-loop", "gc-pauses"),
        back="w",
    ),
    Row(
        "nlp-canary",
        "v2",
        "v2 pools and lowers text the wrong way",
        "bad model version",
        (ServiceEffect(NLP, "wrong_pooling", {"version": "v2"}),),
        (Evidence("v2 alone scores every text near 0 or 1", psi(NLP, "text_score", "v2"), 0.7, times=2),),
        (NLP,),
        also=("bad canary", "model regression"),
        look_alikes=("cv-canary", "photo-drift"),
        silent=True,
        back="w",
        dialled=False,
    ),
    Row(
        "lost-thread-context",
        "model_inference",
        "inference is handed to its thread without the caller's context",
        "broken trace",
        (ServiceEffect("PLACE", "bare_thread"),),
        (
            Evidence(
                "inference is missing from its trace", Traced("share_with_span", NLP, "model_inference"), 0.1, "down"
            ),
        ),
        MODELS,
        also=("lost context", "lost trace context"),
        look_alikes=("lost-context", "unsampled"),
        dialled=False,
    ),
    Row(
        "corrupt-photo",
        "decode_photo",
        "photos are cut on their way from the orchestrator",
        "bad input",
        (ServiceEffect("orchestrator", "cut_body", {"peer": CV}),),
        (
            Evidence(
                "cv_model refuses photos that the gateway took",
                Prom(rate('http_requests_total{service_name="cv_model",status="422"}')),
                0.5,
            ),
            Evidence(
                "photos are all of one size", Traced("highest_value", CV, "decode_photo", "photo.bytes"), 8_000, "down"
            ),
        ),
        (CV,),
        also=("truncated input", "corrupt data"),
        look_alikes=("nan-output", "tight-deadline", "huge-photo"),
        shared_out=True,
        edge=("orchestrator", CV),
        expected=("PhotoError", "PIL", "services/cv_model", "OSError"),
    ),
    Row(
        "huge-photo",
        "decode_photo",
        "the limit on pixels is lifted and 24 megapixels arrive",
        "oversized input",
        (ServiceEffect("gateway", "photo_limit"), ServiceEffect(CV, "photo_limit"), SharedEffect("large_photos")),
        (PIXELS,),
        (CV,),
        also=("input size",),
        look_alikes=("corrupt-photo", "gc-pauses", "global-lock"),
    ),
    Row(
        "global-lock",
        "model_inference",
        "one lock round inference, and a holder that is slow to let go",
        "queueing",
        (ServiceEffect("PLACE", "narrow_pool", {"pool": "inference"}),),
        (GATE_WAIT,),
        (CV, NLP),
        also=("lock contention",),
        look_alikes=("huge-photo", "gc-pauses"),
    ),
    Row(
        "crash-loop",
        "process",
        "the process is killed again and again",
        "crash",
        (ServiceEffect("PLACE", "sudden_death"),),
        (DEATHS,),
        (CV, NLP, "gateway", "feature_store", "orchestrator"),
        also=("crash loop", "process killed"),
        look_alikes=("nan-output", "corrupt-photo", "tight-deadline"),
        back="w",
        edge=("orchestrator", CV),
        expected=(
            "ConnectError",
            "ReadError",
            "RemoteProtocolError",
            "chassis/wire.py",
            "httpx",
            "httpcore",
            "BreakerOpen",
            "chassis/resilience.py",
        ),
    ),
    Row(
        "nan-output",
        "v2 · postprocess",
        "v2's head computes in half precision and overflows on some photos",
        "bad model version",
        (ServiceEffect(CV, "half_precision", {"version": "v2"}),),
        (
            Evidence(
                "inferences of v2 alone fail",
                Prom(rate('model_errors_total{model_name="cv_model",model_version="v2"}')),
                0.1,
            ),
        ),
        (CV,),
        also=("numerical overflow", "bad canary", "model regression"),
        look_alikes=("corrupt-photo", "crash-loop"),
        dialled=False,
        edge=("orchestrator", CV),
        expected=("ModelOutputError", "InferenceFailed", "services/cv_model/model.py"),
    ),
    Row(
        "gc-pauses",
        "process",
        "a huge graph of objects, and full collections over it",
        "memory",
        (ServiceEffect("PLACE", "slow_collections"),),
        (GC,),
        (CV, NLP, "gateway", "feature_store", "orchestrator"),
        also=("garbage collection",),
        look_alikes=("global-lock", "huge-photo"),
    ),
    Row(
        "cv-canary",
        "v2",
        "v2 sees blue for red",
        "bad model version",
        (ServiceEffect(CV, "swapped_channels", {"version": "v2"}),),
        (Evidence("v2 alone is less sure what it sees", psi(CV, "scene_probability", "v2"), 0.35, times=1.5),),
        (CV,),
        also=("bad canary", "model regression"),
        look_alikes=("nlp-canary",),
        silent=True,
        back="w",
        dialled=False,
    ),
    Row(
        "noisy-neighbour",
        "",
        "another program takes the cores",
        "CPU contention",
        (SharedEffect("neighbour"),),
        (Evidence("threads wait for a core", Prom(rate("process_run_queue_wait_seconds_total")), 0.2, times=2),),
        ("host",),
        also=("host overload", "noisy neighbor"),
        look_alikes=("thread-fight", "gc-pauses", "blocked-loop"),
    ),
)
