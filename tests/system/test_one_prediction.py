"""One prediction, seen in its trace."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from chassis import semconv
from lab.clients.telemetry import Span
from lab.trace_tree import build_tree
from services import topology
from tests.system.harness import System

BRANCHES = ("feature_store", "nlp_model", "cv_model")


@pytest.fixture(scope="module")
def answer(system: System) -> dict[str, Any]:
    system.predict_many(3)  # connections are open and caches filled, as they are in a running system
    return system.predict()


@pytest.fixture(scope="module")
def trace(system: System, answer: dict[str, Any]) -> list[Span]:
    return system.trace(answer["trace_id"])


def named(trace: list[Span], service: str, name: str) -> list[Span]:
    return [span for span in trace if span.service == service and span.name == name]


def test_the_answer_holds_everything_that_was_promised(answer: dict[str, Any]) -> None:
    price = answer["price"]
    assert 0 < price["low"] < price["value"] < price["high"]
    assert 0 <= answer["conversion"]["probability"] <= 1
    assert 0 <= answer["text_score"] <= 1
    assert 0 <= answer["photo"]["score"] <= 1
    assert set(answer["model_versions"]) == {name for each in topology.SERVICES.values() for name in each.models}
    assert (answer["degraded"], answer["missing"]) == (False, [])
    assert answer["request_id"]


def test_its_trace_has_one_root_and_no_orphan_and_spans_all_five_services(trace: list[Span]) -> None:
    tree = build_tree(trace)
    assert len(tree.tops) == 1
    assert not tree.orphans
    assert tree.root.service == "gateway"
    assert {span.service for span in trace} == set(topology.SERVICES)
    assert len(trace) >= 18


@pytest.mark.parametrize("service", topology.SERVICES)
def test_each_service_shows_the_steps_that_the_topology_promises(trace: list[Span], service: str) -> None:
    names = {span.name for span in trace if span.service == service}
    assert set(topology.SERVICES[service].spans) <= names


def test_every_step_has_a_declared_name(trace: list[Span]) -> None:
    steps = {span.name for span in trace if span.kind == "internal"}
    assert steps <= set(semconv.SPAN_NAMES)


def test_redis_was_asked_inside_the_feature_lookup(trace: list[Span]) -> None:
    (lookup,) = named(trace, "feature_store", "feature_lookup")
    asked = [span for span in trace if span.attributes.get("db.system.name") == "redis"]
    assert lookup.span_id in {span.parent_id for span in asked}


@pytest.mark.parametrize("model", ["nlp_model", "cv_model", "price_model", "conversion_model"])
def test_each_models_inference_says_which_version_ran(trace: list[Span], answer: dict[str, Any], model: str) -> None:
    (inference,) = [
        span for span in trace if span.name == "model_inference" and span.attributes["ml.model.name"] == model
    ]
    assert inference.attributes["ml.model.version"] == answer["model_versions"][model]


def test_the_three_branches_of_the_fan_out_overlap_in_time(trace: list[Span]) -> None:
    (fan_out,) = named(trace, "orchestrator", "fan_out")
    calls = [span for span in trace if span.parent_id == fan_out.span_id and span.kind == "client"]
    assert {span.attributes["peer.service"] for span in calls} == set(BRANCHES)
    for one, other in combinations(calls, 2):
        assert one.start_ns < other.end_ns
        assert other.start_ns < one.end_ns


def test_every_span_lies_within_its_parent(trace: list[Span]) -> None:
    by_id = {span.span_id: span for span in trace}
    for span in trace:
        if span.parent_id:
            assert by_id[span.parent_id].start_ns <= span.start_ns


def test_healthy_spans_say_nothing_of_errors(trace: list[Span]) -> None:
    assert [span.name for span in trace if span.status == "error"] == []


def test_every_span_comes_from_the_marketplace_and_says_which_build(trace: list[Span]) -> None:
    for span in trace:
        assert span.resource["service.namespace"] == topology.NAMESPACE
        assert span.resource["service.version"]
        assert span.resource["service.instance.id"]
        assert span.resource["deployment.environment.name"]


def test_a_callers_own_trace_is_continued(system: System) -> None:
    trace_id, parent = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
    answer = system.predict(headers={"traceparent": f"00-{trace_id}-{parent}-01"})
    assert answer["trace_id"] == trace_id
    spans = system.trace(trace_id, until=lambda spans: any(span.name == "POST /v1/predictions" for span in spans))
    (entry,) = [span for span in spans if span.name == "POST /v1/predictions"]
    assert entry.parent_id == parent


def test_who_calls_whom_is_what_the_topology_says(system: System) -> None:
    def edges() -> set[tuple[str, str]]:
        return {edge for each in traces for edge in calls(system.spans_now(each))}

    traces = [system.predict()["trace_id"], *_report_back(system)]
    system.eventually(lambda: edges() == set(topology.EDGES), "the traces show the topology's edges", within=20)


def calls(trace: list[Span]) -> set[tuple[str, str]]:
    """(caller, callee): a span under another service's, and every call of Redis."""
    service = {span.span_id: span.service for span in trace}
    across = {(service[span.parent_id], span.service) for span in trace if span.parent_id in service}
    redis = {(span.service, "redis") for span in trace if span.attributes.get("db.system.name") == "redis"}
    return {(caller, callee) for caller, callee in across if caller != callee} | redis


def _report_back(system: System) -> list[str]:
    """One user's visit and one prediction's outcome are told; their traces' ids."""
    visit = {"event_id": "visit-00000001", "user_id": "U000001", "session_duration": 60, "items_viewed": 3, "saved": 1}
    outcome = {"prediction_id": system.predict()["prediction_id"], "converted": True, "sale_price": 210_000}
    events, outcomes = "1" * 32, "2" * 32
    for path, body, trace_id in (
        ("/v1/events", {"events": [visit]}, events),
        ("/v1/outcomes", {"outcomes": [outcome]}, outcomes),
    ):
        answer = system.post(path, json=body, headers={"traceparent": f"00-{trace_id}-{'3' * 16}-01"})
        assert answer.is_success, answer.text
    return [events, outcomes]
