"""What a newcomer types, and what they see."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services import topology
from tests.system.harness import System

UNKNOWN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def predicted(system: System) -> Any:
    """``faultline predict --json``: the answer, and the trace as soon as it is whole."""
    return system.cli_json("predict", "--listing", "L000042", "--user", "U000007")


def test_predict_prints_the_answer_and_its_whole_trace(predicted: Any) -> None:
    assert predicted["answer"]["price"]["value"] > 0
    assert not predicted["answer"]["degraded"]
    text = str(predicted["trace"])
    assert all(service in text for service in topology.SERVICES)


def test_predict_for_people_shows_price_and_waterfall(system: System) -> None:
    done = system.cli("predict")
    assert done.returncode == 0, done.stderr
    assert re.search(r"price\s+\$[\d,]+", done.stdout)
    assert "fan_out" in done.stdout


def test_trace_draws_every_service_and_operation_with_bars_and_durations(system: System, predicted: Any) -> None:
    done = system.cli("trace", predicted["answer"]["trace_id"])
    assert done.returncode == 0, done.stderr
    for service in topology.SERVICES.values():
        assert service.name in done.stdout
        assert all(span in done.stdout for span in service.spans)
    assert re.search(r"\d+(\.\d+)? ms", done.stdout)
    assert "critical path" in done.stdout


def test_traces_lists_it(system: System, predicted: Any) -> None:
    found = system.eventually(
        lambda: [
            row
            for row in system.cli_json("traces", "--limit", "50")
            if row["trace_id"] == predicted["answer"]["trace_id"]
        ],
        "the trace can be searched for",
        within=20,
    )
    assert found[0]["root_service"] == "gateway"


def test_traces_of_one_service_that_are_slow_enough(system: System, predicted: Any) -> None:
    assert system.cli_json("traces", "--service", "cv_model", "--min-duration", "1ms")
    assert system.cli_json("traces", "--service", "cv_model", "--min-duration", "1h") == []


def test_logs_of_a_trace_come_from_every_service(system: System, predicted: Any) -> None:
    trace_id = predicted["answer"]["trace_id"]
    system.eventually(
        lambda: (
            {line["labels"]["service_name"] for line in system.cli_json("logs", "--trace", trace_id)}
            == set(topology.SERVICES)
        ),
        "the logs of all five services",
        within=20,
    )


def test_status_shows_every_program_ready(system: System) -> None:
    shown = system.cli_json("status")
    assert shown["up"]
    assert {row["name"]: row["reason"] for row in shown["programs"] if not row["ready"]} == {}
    assert set(topology.SERVICES) <= {row["name"] for row in shown["programs"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("trace", UNKNOWN), "has not arrived"),
        (("trace", "no-hex"), "no trace id"),
        (("predict", "--listing", "L999999"), "no listing"),
        (("logs", "--since", "yesterday"), "no duration"),
    ],
)
def test_what_a_person_can_put_right_is_said_without_a_stack_trace(
    system: System, words: tuple[str, ...], said: str
) -> None:
    done = system.cli(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Next:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_up_says_that_it_is_up_and_starts_nothing(system: System) -> None:
    before = system.pids()
    done = system.cli("up", "--target", "local")
    assert done.returncode == 0, done.stderr
    assert "up already" in done.stdout
    assert system.pids() == before
