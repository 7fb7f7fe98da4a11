"""Faults that come with the traffic and with what becomes of it."""

from __future__ import annotations

from lab.faults.row import Row, SharedEffect
from lab.faults.signals import Evidence, Prom, mean, psi, rate

CONVERTED = 'outcomes_joined_total{model_name="conversion_model",segment="first_home",predicted="yes"'
PRECISION = rate(CONVERTED + ',actual="yes"}') + f" / ({rate(CONVERTED + '}')} > 0)"

ROWS = (
    Row(
        "feature-drift",
        "",
        "sessions are longer and see more items",
        "data drift",
        (SharedEffect("traffic_shift", {"session_duration": 3.5, "items_viewed": 3.5}),),
        (
            Evidence("PSI of session_duration", psi("conversion_model", "session_duration"), 0.25),
            Evidence("PSI of items_viewed", psi("conversion_model", "items_viewed"), 0.25),
        ),
        ("traffic",),
        also=("feature drift", "covariate shift", "input drift"),
        look_alikes=("unit-change", "photo-drift"),
        silent=True,
        back="w",
    ),
    Row(
        "photo-drift",
        "",
        "photos are dark and noisy",
        "data drift",
        (SharedEffect("traffic_shift", {"dark_photos": 1.0}),),
        (
            Evidence(
                "the photo scores fall",
                Prom(mean("model_prediction_value", 'model_name="cv_model",model_version="v1"')),
                0.45,
                "down",
                times=1.1,
            ),
        ),
        ("traffic",),
        also=("input drift", "covariate shift"),
        look_alikes=("feature-drift", "nlp-canary"),
        silent=True,
        back="w",
    ),
    Row(
        "concept-drift",
        "",
        "one segment stops converting; its features do not change",
        "concept drift",
        (SharedEffect("traffic_shift", {"stopped_segment": "first_home"}),),
        (Evidence("precision falls in that segment", Prom(PRECISION), 0.6, "down"),),
        ("outcomes",),
        also=("concept shift",),
        look_alikes=("feature-drift", "label-delay"),
        silent=True,
        back="w",
        dialled=False,
        segment=True,
    ),
    Row(
        "label-delay",
        "",
        "labels arrive late",
        "late labels",
        (SharedEffect("traffic_shift", {"label_delay": 20.0}),),
        (
            Evidence("the lag of the labels", Prom(mean("label_lag_seconds", "")), None, times=2),
            Evidence("fewer outcomes arrive", Prom(rate('outcomes_total{result="joined"}')), None, "down", times=1.5),
        ),
        ("outcomes",),
        also=("delayed labels",),
        look_alikes=("concept-drift", "feature-drift"),
        silent=True,
        back="w",
        lingers_s=60.0,  # the last that were held back come 20 marketplace days later
    ),
)
