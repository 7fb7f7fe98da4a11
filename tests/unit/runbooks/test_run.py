"""Steps are asked of the backend of their language, at a time and over a window, and what fails is told, not hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lab.clients.loki import Loki
from lab.clients.prometheus import Prometheus
from lab.clients.tempo import Tempo
from lab.place import LabError
from lab.runbooks import Sources, labels_of, run, run_step
from lab.runbooks.parse import parse
from tests.unit.runbooks.test_parse import PAGE

AT = 1_700_000_000.0
TRACES = PAGE.replace("```logql\n{service_name=\"gateway\"}", "```traceql\n{ name = \"fan_out\" } | rate()").replace(
    "rows >= 2", "any value > 1"
)  # fmt: skip
Answer = Callable[[httpx.Request], httpx.Response]


def sources(answer: Answer) -> Sources:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Sources(Prometheus("http://p", http), Tempo("http://t", http), Loki("http://l", http))


def vector(*values: float) -> httpx.Response:
    result = [{"metric": {"pool": f"p{n}"}, "value": [AT, str(value)]} for n, value in enumerate(values)]
    return httpx.Response(200, json={"data": {"resultType": "vector", "result": result}})


def streams(count: int) -> httpx.Response:
    lines = [[str(int(AT * 1e9) + n), f"line {n}"] for n in range(count)]
    result = [{"stream": {"service_name": "gateway", "severity_text": "ERROR"}, "values": lines}]
    return httpx.Response(200, json={"data": {"resultType": "streams", "result": result}})


def backends(values: tuple[float, ...], lines: int, seen: list[httpx.Request] | None = None) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return vector(*values) if request.url.host == "p" else streams(lines)

    return answer


@pytest.mark.parametrize(
    ("values", "lines", "kind"),
    [((0.2, 0.9), 3, "queueing"), ((0.9,), 1, "network latency"), ((0.1,), 9, None), ((), 0, None)],
)
def test_the_evidence_points_to_a_row(values: tuple[float, ...], lines: int, kind: str | None) -> None:
    ran = run(sources(backends(values, lines)), parse("Slow", PAGE), {"job": "services"}, AT)
    assert (ran["branch"] or {}).get("kind") == kind
    json.dumps(ran, allow_nan=False)


def test_a_step_shows_its_rows_highest_first_beside_what_is_expected() -> None:
    found = run_step(sources(backends((0.2, 0.9), 0)), parse("Slow", PAGE), 1, {}, AT)
    assert found["rows"] == [["pool=p1", 0.9], ["pool=p0", 0.2]]
    assert found["expect"] == "any value > 0.5"
    assert found["holds"] is True
    assert found["error"] is None


def test_a_value_that_is_no_number_is_shown_and_judged_by_nobody() -> None:
    found = run_step(sources(backends((float("nan"),), 0)), parse("Slow", PAGE), 1, {}, AT)
    assert found["rows"] == [["pool=p0", None]]
    assert found["holds"] is False


def test_labels_time_and_window_reach_the_query() -> None:
    seen: list[httpx.Request] = []
    page = PAGE.replace('up{job=~"$job"}', 'rate(up{job=~"$job"}[1m])')
    run(sources(backends((), 0, seen)), parse("Slow", page), {"job": "a|b"}, AT, window_s=30)
    asked, lines = (dict(request.url.params) for request in seen)
    assert asked["query"] == 'rate(up{job=~"a|b"}[30s])'
    assert float(asked["time"]) == AT
    assert int(lines["end"]) - int(lines["start"]) == 30_000_000_000


def test_a_backend_that_refuses_leaves_the_step_open_and_points_nowhere() -> None:
    ran = run(sources(lambda _: httpx.Response(400, text="parse error")), parse("Slow", PAGE), {}, AT)
    assert [step["holds"] for step in ran["steps"]] == [None, None]
    assert "parse error" in ran["steps"][0]["error"]
    assert ran["branch"] is None


def test_a_metric_of_traces_is_asked_of_tempo() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "p":
            return vector()
        assert request.url.path == "/api/metrics/query"
        return httpx.Response(200, json={"series": [{"labels": [], "value": 4.5}, {"labels": []}]})

    found = run_step(sources(answer), parse("Slow", TRACES), 2, {}, AT)
    assert found["rows"] == [["all", 4.5], ["all", 0.0]]
    assert found["holds"] is True


def test_a_search_of_traces_counts_them() -> None:
    trace = {"traceID": "ab", "rootServiceName": "gateway", "startTimeUnixNano": "1", "durationMs": 7}
    page = TRACES.replace(" | rate()", "").replace("any value > 1", "rows >= 1")
    found = run_step(sources(lambda _: httpx.Response(200, json={"traces": [trace]})), parse("Slow", page), 2, {}, AT)
    assert found["rows"][0][0] == "ab".zfill(32)
    assert found["holds"] is True


@pytest.mark.parametrize(
    ("command", "at", "reason"),
    [
        ("faultline down", None, "may not run"),
        ("rm -rf x", None, "may not run"),
        ("faultline status", AT, "running system"),
        ("faultline status", None, "running system"),  # these sources have no place
    ],
)
def test_a_command_only_looks_and_only_at_what_runs(command: str, at: float | None, reason: str) -> None:
    page = PAGE.replace('```logql\n{service_name="gateway"}', f"```faultline\n{command}")
    found = run_step(sources(backends((), 0)), parse("Slow", page), 2, {}, at)
    assert found["holds"] is None
    assert reason in found["error"]


def test_there_is_no_step_past_the_last() -> None:
    with pytest.raises(LabError, match="no step 3"):
        run_step(sources(backends((), 0)), parse("Slow", PAGE), 3, {}, AT)


def test_labels_are_those_of_all_that_fires() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["query"] == 'ALERTS{alertname="Slow", alertstate="firing"}'
        rows: list[dict[str, Any]] = [{"metric": {"service_name": name}, "value": [AT, "1"]} for name in ("b", "a")]
        return httpx.Response(200, json={"data": {"resultType": "vector", "result": rows}})

    assert labels_of(sources(answer).prometheus, "Slow", AT) == {"service_name": "a|b"}
    with pytest.raises(LabError, match="no alert's name"):
        labels_of(sources(answer).prometheus, 'x"}')
