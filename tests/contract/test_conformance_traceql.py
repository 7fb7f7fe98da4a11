"""TraceQL answers against results worked out in plain Python."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.conformance.backends import Backend, tempo, window
from tests.contract.conformance.cases import Case
from tests.contract.conformance.metric_cases import STEP, Labels, MetricCase, Series, metric_cases
from tests.contract.conformance.refused_cases import REFUSED
from tests.contract.conformance.traceql_cases import own_cases, search_cases
from tests.unit.telemetry_store.process import http

Normal = dict[int, list[list[int]]]  # trace id -> sorted spansets of sorted span ids


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A Tempo, ours or the real one, holding the data set."""
    with tempo(tmp_path_factory.mktemp("tempo")) as loaded:
        yield loaded


def test_the_suite_is_as_large_as_promised() -> None:
    queries = {case.query for case in search_cases()} | {case.query for case in metric_cases()}
    assert len(queries) >= 120


def _normal(answer: dict[str, Any]) -> Normal:
    return {
        int(trace["traceID"], 16): sorted(
            sorted(int(span["spanID"], 16) for span in spanset["spans"]) for spanset in trace["spanSets"]
        )
        for trace in answer["traces"]
    }


@pytest.mark.parametrize("case", search_cases(), ids=str)
def test_a_search_finds_what_plain_python_finds(backend: Backend, case: Case) -> None:
    _check(backend, case)


@pytest.mark.skipif("FAULTLINE_TEMPO_URL" in os.environ, reason="Tempo 3.0.3 is known to answer these otherwise")
@pytest.mark.parametrize("case", own_cases(), ids=str)
def test_a_search_finds_what_tempo_misses(backend: Backend, case: Case) -> None:
    _check(backend, case)


def _check(backend: Backend, case: Case) -> None:
    parameters = {"q": case.query, "limit": "1000", "spss": "100", **window(backend.world)}
    answer = http().get(f"{backend.url}/api/search", params=parameters, timeout=30)
    assert answer.status_code == 200, answer.text
    expected: Normal = {}
    for number in sorted({span.trace for span in backend.world.spans}):
        if sets := case.expect(backend.world.trace(number)):
            expected[number] = sorted(sorted(span.number for span in found) for found in sets)
    assert _normal(answer.json()) == expected


@pytest.mark.parametrize("query", REFUSED)
def test_what_has_no_meaning_is_refused(backend: Backend, query: str) -> None:
    answer = http().get(f"{backend.url}/api/search", params={"q": query, **window(backend.world)}, timeout=30)
    assert answer.status_code == 400, answer.text


def _label_value(value: dict[str, Any]) -> Any:
    ((kind, found),) = value.items()
    return None if found == "nil" else (int(found) if kind == "intValue" else found)


def _labels(series: dict[str, Any]) -> Labels:
    labels = ((label["key"], _label_value(label["value"])) for label in series["labels"])
    return tuple(label for label in labels if label[0] != "__name__")


def _series(answer: dict[str, Any]) -> Series:
    found: Series = {}
    for series in answer["series"]:
        samples = {int(s["timestampMs"]) // 1000: s["value"] for s in series["samples"] if s.get("value")}
        if samples:
            found[_labels(series)] = samples
    return found


@pytest.mark.parametrize("case", metric_cases(), ids=str)
def test_a_metric_is_what_plain_python_counts(backend: Backend, case: MetricCase) -> None:
    parameters = {"q": case.query, "step": f"{STEP}s", **window(backend.world)}
    answer = http().get(f"{backend.url}/api/metrics/query_range", params=parameters, timeout=30)
    assert answer.status_code == 200, answer.text
    expected = {labels: pytest.approx(values, rel=1e-6) for labels, values in case.expect(backend.world.spans).items()}
    assert _series(answer.json()) == expected


@pytest.mark.skipif("FAULTLINE_TEMPO_URL" in os.environ, reason="no real Tempo was asked yet at an instant")
@pytest.mark.parametrize("case", [each for each in metric_cases() if "rate()" not in each.query], ids=str)
def test_a_metric_at_an_instant_is_of_the_whole_time(backend: Backend, case: MetricCase) -> None:
    parameters = {"q": case.query, **window(backend.world)}
    answer = http().get(f"{backend.url}/api/metrics/query", params=parameters, timeout=30)
    assert answer.status_code == 200, answer.text
    expected = {
        labels: pytest.approx(values[0], rel=1e-6) for labels, values in case.expect_whole(backend.world.spans).items()
    }
    assert {_labels(series): series["value"] for series in answer.json()["series"]} == expected
