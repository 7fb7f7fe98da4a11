"""The engine names the cause of small hand-made windows, and nothing where nothing is wrong."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from lab.clients.telemetry import Sample, Span
from lab.diagnosis.engine import diagnose
from lab.diagnosis.explain import explain
from lab.diagnosis.finding import Finding
from lab.diagnosis.ranking import rank
from lab.diagnosis.window import Window
from tests.unit.diagnosis.traces import changed, predictions, sample, span, window

CAUSE = tuple[str, str, str]


def cause(seen: Window) -> CAUSE:
    found = diagnose(seen)
    assert not found.healthy, "something is wrong"
    return found.ranking[0].finding.cause


def first(seen: Window) -> Finding:
    return diagnose(seen).ranking[0].finding


def failing(spans: list[Span], which: dict[str, str], message: str, share: int = 1) -> list[Span]:
    """Every ``share``-th of these spans with an error."""
    return changed(
        spans,
        which,
        lambda s: replace(s, status="error", status_message=message) if int(s.trace_id, 16) % share == 0 else s,
    )


def test_nothing_is_wrong_where_nothing_changed() -> None:
    found = diagnose(window(predictions(1)))

    assert found.healthy
    assert found.nothing > 0.9
    assert any("Nothing is wrong" in line for line in explain(found))


def test_a_batch_that_waits_is_queueing_and_its_inference_is_not_blamed() -> None:
    assert cause(window(predictions(1, wait=90))) == ("nlp_model", "batch_wait", "queueing")


def test_a_slow_inference_with_many_threads_is_cpu_contention() -> None:
    seen = window(
        predictions(1, inference=90),
        threads=[sample(45, service_name="nlp_model")],
        threads_before=[sample(12, service_name="nlp_model")],
    )

    assert cause(seen) == ("nlp_model", "model_inference", "CPU contention")


def test_waiting_for_a_pool_is_queueing_where_the_wait_shows() -> None:
    seen = window(
        predictions(1, lookup=60),
        pool_wait=[sample(0.058, service_name="feature_store", pool="redis")],
        pool_wait_before=[sample(0.00001, service_name="feature_store", pool="redis")],
    )
    found = first(seen)

    assert found.cause == ("feature_store", "feature_lookup", "queueing")
    assert len(found.evidence.traces) == 3
    assert "pool_wait" in found.evidence.query


def test_many_small_round_trips_are_an_inefficient_query_of_whoever_asks() -> None:
    spans = predictions(1)
    lookups = [s for s in spans if s.name == "feature_lookup"]
    for look in lookups:
        trace = int(look.trace_id, 16)
        spans += [
            span(trace, "HGET", 5.6, 5.61, look, "feature_store", "client", peer__service="redis") for _ in range(20)
        ]

    assert cause(window(spans)) == ("feature_store", "feature_lookup", "inefficient query")


def test_long_texts_are_blamed_where_they_are_made_not_where_they_cost() -> None:
    long = changed(
        predictions(1, inference=80), {"name": "preprocess"}, lambda s: replace(s, attributes={"ml.input.tokens": 512})
    )

    assert cause(window(long)) == ("nlp_model", "preprocess", "oversized input")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("NoPermissionError: NOPERM this user has no permissions", "access denied"),
        ("ConnectionError: Error 111 connecting to redis. Connection refused.", "dependency down"),
    ],
)
def test_an_error_is_named_by_its_words_where_it_starts(message: str, kind: str) -> None:
    spans = predictions(1)
    for name in ("PIPELINE HGETALL", "feature_lookup", "POST /v1/features"):
        spans = failing(spans, {"name": name}, message)

    assert cause(window(spans)) == ("feature_store", "Redis", kind)


def test_calls_in_a_row_are_lost_parallelism() -> None:
    late = changed(
        predictions(1),
        {"service": "orchestrator", "kind": "client"},
        lambda s: replace(s, start_ns=s.start_ns + 40_000_000, end_ns=s.end_ns + 40_000_000)
        if s.attributes["peer.service"] == "nlp_model" else s,
    )  # fmt: skip

    assert cause(window(late)) == ("orchestrator", "fan_out", "lost parallelism")


def test_attempts_that_multiply_are_retries() -> None:
    spans = predictions(1)
    fans = [s for s in spans if s.name == "fan_out"]
    for fan in fans:
        spans += [
            span(int(fan.trace_id, 16), "POST", 4, 5, fan, "orchestrator", "client", "error", peer__service="nlp_model")
            for _ in range(2)
        ]

    assert cause(window(spans)) == ("orchestrator", "call nlp_model", "retries")


def test_a_part_that_fails_under_an_answer_that_claims_to_be_whole_is_a_hidden_outage() -> None:
    spans = [
        replace(s, status="error") if s.kind == "client" and s.attributes.get("peer.service") == "nlp_model" else s
        for s in predictions(1)
        if s.service != "nlp_model"
    ]

    assert cause(window(spans)) == ("orchestrator", "fan_out", "hidden outage")


def test_a_trace_that_begins_behind_the_door_lost_its_context_at_the_caller() -> None:
    spans = [
        replace(s, parent_id="", trace_id="f" * 24 + s.trace_id[-8:]) if s.name == "POST /v1/score" else s
        for s in predictions(1)
    ]

    assert cause(window(spans)) == ("orchestrator", "call nlp_model", "broken trace")


def test_a_clock_that_is_ahead_is_named_by_its_service() -> None:
    skewed = changed(
        predictions(1),
        {"service": "nlp_model"},
        lambda s: replace(s, start_ns=s.start_ns + 3 * 10**9, end_ns=s.end_ns + 3 * 10**9),
    )

    assert cause(window(skewed)) == ("nlp_model", "clock", "clock skew")


def test_one_restart_that_nobody_noticed_is_no_fault() -> None:
    seen = window(
        predictions(1),
        starts=[sample(1, service_name="nlp_model")],
        up=[sample(0.95, service_name="nlp_model")],
        up_before=[sample(1, service_name="nlp_model")],
    )

    assert diagnose(seen).healthy


def test_a_machine_without_a_free_core_is_not_blamed_on_any_service() -> None:
    def slower(spans: list[Span]) -> list[Span]:
        begin = {s.trace_id: int(s.trace_id, 16) * 10**9 for s in spans}
        return [
            replace(
                s,
                start_ns=begin[s.trace_id] + 4 * (s.start_ns - begin[s.trace_id]),
                end_ns=begin[s.trace_id] + 4 * (s.end_ns - begin[s.trace_id]),
            )
            for s in spans
        ]

    seen = window(
        slower(predictions(1)),
        run_queue=[sample(4.0, service_name="nlp_model")],
        run_queue_before=[sample(0.4, service_name="nlp_model")],
    )

    assert cause(seen) == ("host", "CPU", "CPU contention")


def test_the_answer_is_the_same_every_time_and_says_what_limits_it() -> None:
    seen = window(predictions(1, wait=90, how_many=5))
    again = window(seen.now.spans, seen.before.spans)

    assert diagnose(seen) == diagnose(again)
    assert any("Only 5 predictions" in note for note in diagnose(seen).notes)


def test_five_thousand_traces_are_diagnosed_in_under_five_seconds_of_cpu() -> None:
    seen = window(predictions(10_000, how_many=5000, wait=60), predictions(1, how_many=500))
    began = time.process_time()

    assert cause(seen) == ("nlp_model", "batch_wait", "queueing")
    assert time.process_time() - began < 5.0


def test_a_photo_that_the_door_took_and_the_next_service_refuses_is_bad_input() -> None:
    spans = [
        replace(s, attributes={**s.attributes, "http.response.status_code": 422}) if s.name == "POST /v1/score" else s
        for s in predictions(1)
    ]

    found = first(window(spans))

    assert (found.service, found.kind) == ("nlp_model", "bad input")
    assert len(found.evidence.traces) == 3


def values(feature: str, **bins: float) -> list[Sample]:
    return [sample(count, service_name="feature_store", feature=feature, bin=name) for name, count in bins.items()]


def test_one_feature_that_moved_a_little_is_noise_and_two_are_drift() -> None:
    usual, moved = {"low": 400.0, "high": 400.0}, {"low": 150.0, "high": 650.0}
    one = window(
        predictions(1),
        feature_values=values("age", **moved) + values("rooms", **usual),
        feature_values_before=values("age", **usual) + values("rooms", **usual),
    )
    two = window(
        predictions(1),
        feature_values=values("age", **moved) + values("rooms", **moved),
        feature_values_before=values("age", **usual) + values("rooms", **usual),
    )

    assert diagnose(one).healthy
    assert cause(two) == ("traffic", "features", "data drift")


def test_a_service_that_only_prometheus_misses_has_not_crashed() -> None:
    late = {"up": [sample(0.67, service_name="orchestrator")], "up_before": [sample(1.0, service_name="orchestrator")]}
    assert diagnose(window(predictions(1), **late)).healthy


def test_weights_that_are_loaded_again_and_again_explain_the_memory_that_they_take() -> None:
    def reloaded(restarts: float) -> Window:
        loads = [
            span(int(s.trace_id, 16), "model_load", 6, 60, s, "nlp_model")
            for s in predictions(1)
            if s.name == "preprocess"
        ]
        return window(
            [*predictions(1), *loads],
            memory=[sample(1e9, service_name="nlp_model")],
            memory_before=[sample(4e8, service_name="nlp_model")],
            starts=[sample(restarts, service_name="nlp_model")],
        )

    assert cause(reloaded(1)) == ("nlp_model", "model_load", "cache failure")
    assert cause(reloaded(20))[2] == "memory", "each start loads them, too"


def test_lines_of_a_process_that_ends_and_starts_are_no_broken_correlation() -> None:
    leak = Finding("gateway", "process", "memory", 0.8, "rose")
    unjoined = Finding("gateway", "logs", "broken correlation", 0.97, "no trace id")
    ranking, _ = rank([leak, unjoined], {})
    assert ranking[0].finding == leak


def test_of_findings_that_explain_each_other_in_a_ring_the_strongest_is_the_cause() -> None:
    memory, crash, cache = (
        Finding("nlp_model", "process", kind, strength, "seen")
        for kind, strength in (("memory", 0.97), ("crash", 0.9), ("cache failure", 0.6))
    )
    ranking, nothing = rank([cache, crash, memory], {})
    assert [each.finding for each in ranking] == [memory, crash, cache]
    assert ranking[0].confidence > nothing
    assert not ranking[0].explained_by


def test_a_weak_cause_is_as_sure_as_the_strong_effect_that_it_explains() -> None:
    cause = Finding("nlp_model", "process", "memory", 0.55, "rose")
    effect = Finding("nlp_model", "process", "crash", 0.97, "ended")
    ranking, nothing = rank([cause, effect], {})
    assert ranking[0].finding == cause
    assert nothing < 0.1


@pytest.mark.parametrize(("defaults", "healthy"), [(4.0, True), (24.0, False)])
def test_a_feature_that_most_requests_lack_is_missing(defaults: float, healthy: bool) -> None:
    seen = window(predictions(1), defaults=[sample(defaults, service_name="feature_store", feature="behaviour")])
    assert diagnose(seen).healthy is healthy
