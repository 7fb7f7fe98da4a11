"""A query has a time limit and an answer limit, and does not stop others."""

from pathlib import Path

import pytest

from tests.unit.telemetry_store.otlp import log_request, make_record, make_span, send, trace_request
from tests.unit.telemetry_store.process import StoreProcess, http, running_store
from tests.unit.waiting import eventually


def test_the_queues_length_follows_a_file(tmp_path: Path) -> None:
    limits = tmp_path / "limits.json"
    with running_store(tmp_path / "store", "--limits", str(limits)) as store:

        def answers(status: int) -> bool:
            return send(store.otlp, "traces", trace_request([make_span()])).status_code == status

        assert answers(200)
        limits.write_text('{"queue_items": 0}')
        eventually(lambda: answers(429), "everything is refused")
        limits.write_text("nonsense")
        eventually(lambda: answers(200), "what is not understood changes nothing")
        assert store.stop() == 0


def test_a_query_that_takes_too_long_answers_504(tmp_path: Path) -> None:
    with running_store(tmp_path, "--query-seconds", "0.02") as store:
        for _ in range(4):
            records = [make_record(f'{{"n":{number}}}', unique=f"v{number}") for number in range(4000)]
            send(store.otlp, "logs", log_request(records))
            send(store.otlp, "traces", trace_request([make_span() for _ in range(3000)]))
        stored = "telemetry_store_items_stored_total"
        eventually(lambda: store.metric(stored) == 28_000, "everything is written", within=20)
        slow = {"query": 'sum by (unique) (count_over_time({service_name=~".+"} | json [1h]))'}
        answer = http().get(f"{store.url}/loki/api/v1/query", params=slow)
        assert (answer.status_code, "ran" in answer.text) == (504, True)
        search = {"q": '{ } !>> { name = "work" } | count() > 5', "limit": "10000"}
        assert http().get(f"{store.url}/api/search", params=search).status_code == 504
        assert http().get(f"{store.url}/api/echo").status_code == 200


@pytest.fixture(scope="module")
def filled(store: StoreProcess) -> StoreProcess:
    """The store with 700 traces and lines of one service."""
    send(store.otlp, "traces", trace_request([make_span() for _ in range(700)], "many"))
    send(store.otlp, "logs", log_request([make_record(f"line {n}", n=n) for n in range(700)], "many"))
    query = {"q": '{ resource.service.name = "many" }', "limit": "10000"}
    eventually(lambda: len(_traces(store, query)) == 700, "700 traces are searchable")
    return store


def _traces(store: StoreProcess, query: dict[str, str]) -> list[object]:
    found: list[object] = http().get(f"{store.url}/api/search", params=query).json()["traces"]
    return found


def test_limits_hold(filled: StoreProcess) -> None:
    query = {"q": '{ resource.service.name = "many" }'}
    assert len(_traces(filled, query)) == 20
    assert len(_traces(filled, query | {"limit": "33"})) == 33
    lines = http().get(f"{filled.url}/loki/api/v1/query_range", params={"query": '{service_name="many"}', "limit": "7"})
    assert sum(len(stream["values"]) for stream in lines.json()["data"]["result"]) == 7


@pytest.mark.parametrize("query", ['count_over_time({service_name="many"}[1h])', 'rate({service_name="many"}[1h])'])
def test_too_many_series_are_refused(filled: StoreProcess, query: str) -> None:
    answer = http().get(f"{filled.url}/loki/api/v1/query", params={"query": query})
    assert answer.status_code == 400
    assert answer.text.startswith("maximum number of series (500) reached")


def test_too_many_steps_are_refused(filled: StoreProcess) -> None:
    parameters = {"query": 'rate({service_name="many"}[1m])', "start": "0", "end": "1000000", "step": "1"}
    answer = http().get(f"{filled.url}/loki/api/v1/query_range", params=parameters)
    assert answer.status_code == 400
    assert "11,000 points" in answer.text
    metrics = {"q": "{} | rate()", "start": "1", "end": "1000000", "step": "1s"}
    assert http().get(f"{filled.url}/api/metrics/query_range", params=metrics).status_code == 400
