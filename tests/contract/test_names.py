"""Names are declared once, in semconv, and nothing uses another."""

from __future__ import annotations

import ast
import re

import pytest

from chassis import semconv
from services import topology
from tests.contract.source import calls, trees

UNITS = {"s": "_seconds", "By": "_bytes"}
# Labels of bounded sets, each for the reason that its values are written in code, in the topology or in the world.
BOUNDED = {
    *("method", "route", "status", "outcome", "part", "reason", "result", "kind", "signal", "generation"),
    *("model_name", "model_version", "version", "python_version"),
    *("peer", "pool", "cache", "feature", "segment", "predicted", "actual", "bin"),
}
# Fields of a log line beside the standard ones: numbers, names of parts, and the id that an outcome is reported by.
FIELDS = {
    *("method", "route", "status", "duration_ms", "part", "peer", "cause", "missing", "prediction_id"),
    *("resident_mb", "limit_mb"),
    *("n", "features", "kind", "version"),  # of the lines feature_window and deployment
}
SERVING = ("chassis", "services")


def literal_names(*methods: str) -> set[str]:
    """First arguments, where they are literal, of calls of these methods in what serves."""
    found = (call.args[0] for tree in trees(*SERVING).values() for call in calls(tree, *methods) if call.args)
    return {node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_span_that_code_opens_has_a_declared_name() -> None:
    opened = literal_names("span", "start_span")
    assert opened
    assert opened <= set(semconv.SPAN_NAMES)


def test_every_declared_span_name_is_opened_somewhere() -> None:
    text = {
        node.value
        for tree in trees(*SERVING).values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(semconv.SPAN_NAMES) <= literal_names("span", "start_span") | text


@pytest.mark.parametrize("service", topology.SERVICES.values(), ids=lambda service: service.name)
def test_the_topology_promises_declared_spans_only(service: topology.Service) -> None:
    assert set(service.spans) <= set(semconv.SPAN_NAMES)


def test_metrics_have_one_declaration_each() -> None:
    names = [metric.name for metric in semconv.METRICS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("metric", semconv.METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_wants_it_and_explained(metric: semconv.Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert metric.name.removesuffix("_total").endswith(UNITS.get(metric.unit, ""))
    assert metric.help.endswith(".")
    assert not metric.name.startswith("faultline")
    assert list(metric.buckets) == sorted(set(metric.buckets))


@pytest.mark.parametrize("metric", semconv.METRICS, ids=lambda metric: metric.name)
def test_labels_are_of_bounded_sets(metric: semconv.Metric) -> None:
    assert set(metric.labels) <= BOUNDED


def test_latency_objectives_have_their_edge() -> None:
    for metric in (semconv.HTTP_REQUEST_DURATION, semconv.PREDICTION_DURATION, semconv.MODEL_INFERENCE_DURATION):
        assert 0.1 in metric.buckets


def test_every_declared_metric_is_used() -> None:
    constants = {name for name, value in vars(semconv).items() if isinstance(value, semconv.Metric)}
    read = {
        node.attr
        for path, tree in trees(*SERVING).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and path != "chassis/semconv.py"
    }
    assert constants <= read


def test_every_field_of_a_log_line_is_declared() -> None:
    bound = {
        keyword.arg
        for tree in trees(*SERVING).values()
        for call in calls(tree, "bind")
        for keyword in call.keywords
        if keyword.arg  # labels and facts that are passed on are declared where they come from
    }
    assert bound <= {*semconv.LOG_FIELDS, *FIELDS}


def test_native_histograms_stand_beside_a_classic_one_under_another_name() -> None:
    classic = {metric.name for metric in semconv.METRICS}
    for native in semconv.NATIVE_HISTOGRAMS:
        assert native.source.name in classic
        assert native.scraped not in classic
        assert {label for label, _ in native.attributes} == set(native.source.labels)


def test_the_products_name_stands_in_no_signal() -> None:
    said = [semconv.NAMESPACE, *semconv.SPAN_NAMES, *semconv.LOG_FIELDS]
    said += [f"{metric.name} {metric.help}" for metric in semconv.METRICS]
    assert not [text for text in said if "faultline" in text.lower()]
