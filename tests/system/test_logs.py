"""The log lines of one prediction, found by its trace id; and what must never be found."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from chassis import semconv
from lab.clients.telemetry import LogLine
from services import topology
from tests.system.harness import System

USER, OTHER_USER = "U004321", "U004322"
TEXT = "Zymurgist's cottage with an unmistakable quagga paddock."


@pytest.fixture(scope="module")
def answer(system: System) -> dict[str, Any]:
    return system.predict()


@pytest.fixture(scope="module")
def lines(system: System, answer: dict[str, Any]) -> list[LogLine]:
    return all_lines(system, answer["trace_id"])


def all_lines(system: System, trace_id: str) -> list[LogLine]:
    """A trace's lines, once every service's access line is there."""

    def complete() -> list[LogLine] | None:
        found = system.logs(trace_id=trace_id)
        done = {line.service for line in found if line.body.startswith("request answered")}
        return found if done == set(topology.SERVICES) else None

    return system.eventually(complete, "log lines of all five services are in the store", within=20)


def test_all_five_services_lines_hold_the_same_request_id(lines: list[LogLine], answer: dict[str, Any]) -> None:
    assert {line.service for line in lines} == set(topology.SERVICES)
    assert {line.labels["request_id"] for line in lines} == {answer["request_id"]}
    assert {line.trace_id for line in lines} == {answer["trace_id"]}


@pytest.mark.parametrize("model", ["nlp_model", "cv_model", "price_model"])
def test_where_a_model_answered_the_line_says_version_and_prediction(
    lines: list[LogLine], answer: dict[str, Any], model: str
) -> None:
    (line,) = [line for line in lines if line.labels.get("model_name") == model]
    assert line.labels["model_version"] == answer["model_versions"][model]
    said = {
        "nlp_model": answer["text_score"],
        "cv_model": answer["photo"]["score"],
        "price_model": answer["price"]["value"],
    }
    assert float(line.labels["prediction"]) == pytest.approx(said[model], rel=0.001)


def test_each_line_leads_to_a_span_of_its_own_service(system: System, lines: list[LogLine]) -> None:
    service = {span.span_id: span.service for span in system.trace(lines[0].trace_id)}
    assert all(service[line.labels["span_id"]] == line.service for line in lines)


def test_stdout_has_the_same_lines_as_json(system: System, answer: dict[str, Any]) -> None:
    for service in topology.SERVICES:
        text = (system.place.logs_dir / f"{service}.log").read_text()
        mine = [row for row in map(orjson.loads, text.splitlines()) if row.get("request_id") == answer["request_id"]]
        assert mine, service
        for row in mine:
            assert {"timestamp", "level", "message", "service", "trace_id", "span_id"} <= set(row)
            assert row["service"] == service


def test_the_standard_fields_are_the_declared_ones() -> None:
    assert {"timestamp", "level", "message", "service", "request_id", "trace_id", "span_id"} <= set(semconv.LOG_FIELDS)


@pytest.fixture(scope="module")
def everything_said(system: System) -> str:
    """All telemetry after predictions with a known user, text and key, two of them refused."""
    traced = [system.predict(user=USER, description=TEXT)["trace_id"]]
    system.ask(user=USER, description=TEXT * 200)
    system.ask(user=f"{USER}-and-more", description=TEXT)
    done = system.cli_json("predict", "--user", OTHER_USER, "--description", TEXT, "--no-trace")
    traced.append(done["answer"]["trace_id"])
    said = [repr(system.trace(trace_id)) for trace_id in traced]
    said += [repr(all_lines(system, trace_id)) for trace_id in traced]
    said += [repr(system.logs())]
    said += [repr(system.metrics(service)) for service in topology.SERVICES]
    said += [path.read_text(errors="replace") for path in system.place.logs_dir.glob("*.log")]
    return "\n".join(said)


@pytest.mark.parametrize("secret", [USER, OTHER_USER, "Zymurgist", "quagga"])
def test_users_and_their_words_are_in_no_telemetry(everything_said: str, secret: str) -> None:
    assert secret not in everything_said


@pytest.mark.parametrize("name", ["api_key_learner", "api_key_traffic", "control_token", "redis_feature_store"])
def test_keys_and_passwords_are_in_no_telemetry(system: System, everything_said: str, name: str) -> None:
    assert (system.place.secrets_dir / name).read_text().strip() not in everything_said


def test_the_search_itself_would_find_them(system: System, everything_said: str) -> None:
    assert "POST /v1/predictions" in everything_said
    assert "request answered" in everything_said
    assert "http_requests_total" in everything_said
