"""Traffic at the default rate, for a while: nothing fails and no telemetry is lost."""

from __future__ import annotations

import os
from typing import Any

import pytest

from services import topology
from tests.system.harness import System

# `make test` has a minute for this; the objective speaks of five (FAULTLINE_TEST_TRAFFIC_S=300).
SECONDS = float(os.environ.get("FAULTLINE_TEST_TRAFFIC_S", "60"))
RATE = 5.0


@pytest.fixture(scope="module")
def before(system: System) -> dict[str, float]:
    return counts(system)


@pytest.fixture(scope="module")
def report(system: System, before: dict[str, float]) -> Any:
    return system.cli_json("load", "--rate", f"{RATE:g}", "--duration", f"{SECONDS:g}", within=SECONDS + 100)


def counts(system: System) -> dict[str, float]:
    names = ("telemetry_dropped_items_total", "predictions_dropped_total", "model_errors_total", "client_retries_total")
    return {name: system.total(name) for name in names}


@pytest.mark.timeout(SECONDS + 120)
def test_every_prediction_is_answered_and_complete(report: Any) -> None:
    assert report["due"] == pytest.approx(RATE * SECONDS, rel=0.3)  # Poisson arrivals
    assert (report["failed"], report["not_sent"], report["degraded"]) == ({}, 0, 0)
    assert report["answered"] == report["due"]


def test_no_span_and_no_log_line_is_dropped(system: System, report: Any, before: dict[str, float]) -> None:
    assert counts(system) == before


def test_every_span_that_was_made_is_exported(system: System, report: Any) -> None:
    def queues_empty() -> bool:
        return all(system.metrics(service).value("telemetry_queue_items") < 50 for service in topology.SERVICES)

    system.eventually(queues_empty, "the export queues are empty", within=15)
    assert system.total("telemetry_exported_items_total", signal="traces") >= 18 * report["answered"]


def test_no_service_logged_an_error(system: System, report: Any) -> None:
    lines = [line for service in topology.SERVICES for line in system.logs(service=service, within_s=SECONDS)]
    assert len(lines) >= 5 * report["answered"]
    assert [(line.service, line.body) for line in lines if line.level not in ("INFO", "WARNING")] == []


def test_users_are_split_between_the_versions(system: System, report: Any) -> None:
    for service in ("nlp_model", "cv_model"):
        page = system.metrics(service)
        v1, v2 = (page.value("model_prediction_value_count", model_version=version) for version in ("v1", "v2"))
        assert 0.05 < v2 / (v1 + v2) < 0.4, "the canary's share is 20 %"
