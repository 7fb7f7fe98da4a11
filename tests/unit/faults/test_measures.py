"""What is measured on traces, on small ones whose numbers are known."""

from __future__ import annotations

import math

import pytest

from lab.clients.telemetry import Span
from lab.faults.signals import Traced
from lab.tour.measures import measure


def span(
    name: str,
    start_ms: float,
    end_ms: float,
    *,
    parent: str = "",
    service: str = "orchestrator",
    kind: str = "client",
    **attributes: object,
) -> Span:
    given = {key.replace("_", "."): value for key, value in attributes.items()}
    return Span("t", name, parent, service, name, kind, int(start_ms * 1e6), int(end_ms * 1e6), attributes=given)  # type: ignore[arg-type]


TRACE = [
    span("fan_out", 0, 100, kind="internal"),
    span("one", 0, 60, parent="fan_out", peer_service="nlp_model"),
    span("two", 40, 100, parent="fan_out", peer_service="redis"),
    span("score", 10, 30, parent="one", service="nlp_model", kind="server", ml_input_tokens=20),
]


@pytest.mark.parametrize(
    ("signal", "value"),
    [
        (Traced("overlap", "orchestrator", "fan_out"), 20 / 120),
        (Traced("gap_ms", "nlp_model"), 40.0),
        (Traced("client_ms", "orchestrator", attribute="redis"), 60.0),
        (Traced("clients_per_trace", "orchestrator"), 1.0),
        (Traced("mean_value", "nlp_model", "score", "ml.input.tokens"), 20.0),
        (Traced("share_with_value", "nlp_model", "score", "ml.input.tokens=20"), 1.0),
        (Traced("share_with_span", "nlp_model", "score"), 1.0),
        (Traced("share_with_service", "cv_model"), 0.0),
        (Traced("outside_parent", "nlp_model"), 0.0),
        (Traced("mean_ms", "orchestrator", "fan_out"), 100.0),
    ],
)
def test_a_measure(signal: Traced, value: float) -> None:
    assert measure([TRACE], signal) == pytest.approx(value)


def test_calls_one_after_another_do_not_overlap() -> None:
    trace = [span("fan_out", 0, 100), span("a", 0, 50, parent="fan_out"), span("b", 50, 100, parent="fan_out")]
    assert measure([trace], Traced("overlap", "orchestrator", "fan_out")) == 0.0


def test_a_clock_that_is_ahead_puts_children_outside_their_parents() -> None:
    trace = [span("call", 0, 50), span("late", 3000, 3020, parent="call", service="nlp_model", kind="server")]
    assert measure([trace], Traced("outside_parent", "nlp_model")) == 1.0


def test_without_traces_there_is_no_number() -> None:
    assert math.isnan(measure([], Traced("gap_ms", "nlp_model")))
