"""LogQL answers against results worked out in plain Python."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.conformance.backends import Backend, loki, window_ns
from tests.contract.conformance.logql_cases import LineCase, line_cases
from tests.contract.conformance.range_cases import RangeCase, Vector, range_cases
from tests.unit.telemetry_store.process import http

_VOLATILE = {"__error_details__", "observed_timestamp"}  # in each implementation's own words


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A Loki, ours or the real one, holding the data set."""
    with loki(tmp_path_factory.mktemp("loki")) as loaded:
        yield loaded


def test_the_suite_is_as_large_as_promised() -> None:
    assert len({case.query for case in line_cases()} | {case.query for case in range_cases()}) >= 80


def _lines(answer: dict[str, Any]) -> list[tuple[int, list[tuple[str, str]], str]]:
    return sorted(
        (int(moment), sorted(pair for pair in stream["stream"].items() if pair[0] not in _VOLATILE), line)
        for stream in answer["data"]["result"]
        for moment, line in stream["values"]
    )


@pytest.mark.parametrize("case", line_cases(), ids=str)
def test_a_log_query_finds_what_plain_python_finds(backend: Backend, case: LineCase) -> None:
    parameters = {"query": case.query, "limit": "5000", **window_ns(backend.world)}
    answer = http().get(f"{backend.url}/loki/api/v1/query_range", params=parameters, timeout=30)
    assert answer.status_code == 200, answer.text
    expected = sorted((time, sorted(labels.items()), line) for time, labels, line in case.expect(backend.world.lines))
    assert _lines(answer.json()) == expected


def _vector(answer: dict[str, Any]) -> Vector:
    return {tuple(sorted(series["metric"].items())): float(series["value"][1]) for series in answer["data"]["result"]}


@pytest.mark.parametrize("case", range_cases(), ids=str)
def test_a_metric_query_is_what_plain_python_counts(backend: Backend, case: RangeCase) -> None:
    moment = backend.world.end - 2 * 10**9
    answer = http().get(
        f"{backend.url}/loki/api/v1/query", params={"query": case.query, "time": str(moment)}, timeout=30
    )
    assert answer.status_code == 200, answer.text
    first = moment - case.seconds * 10**9
    expected = case.expect([line for line in backend.world.lines if first < line.time <= moment])
    assert _vector(answer.json()) == pytest.approx(expected)


@pytest.mark.parametrize("case", range_cases()[:15], ids=str)
def test_a_metric_query_over_time_is_the_same_at_every_step(backend: Backend, case: RangeCase) -> None:
    parameters = {"query": case.query, "step": "15", **window_ns(backend.world)}
    answer = http().get(f"{backend.url}/loki/api/v1/query_range", params=parameters, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[int, Vector] = {}
    for series in answer.json()["data"]["result"]:
        for moment, value in series["values"]:
            found.setdefault(int(moment), {})[tuple(sorted(series["metric"].items()))] = float(value)
    for moment in range(backend.world.end // 10**9 // 15 * 15 - 75, backend.world.end // 10**9 + 60, 15):
        end = moment * 10**9
        lines = [line for line in backend.world.lines if end - case.seconds * 10**9 < line.time <= end]
        assert found.get(moment, {}) == pytest.approx(case.expect(lines) if lines else {}), moment


def test_forward_and_backward_take_opposite_ends(backend: Backend) -> None:
    parameters = {"query": '{service_name="gateway"}', "limit": "3", **window_ns(backend.world)}
    times = {}
    for direction in ("forward", "backward"):
        answer = http().get(
            f"{backend.url}/loki/api/v1/query_range", params=parameters | {"direction": direction}, timeout=30
        )
        times[direction] = sorted(time for time, _, _ in _lines(answer.json()))
    every = sorted(line.time for line in backend.world.lines if line.service == "gateway")
    assert times == {"forward": every[:3], "backward": every[-3:]}
