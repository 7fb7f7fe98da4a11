"""schemathesis asks the gateway whatever its OpenAPI document allows, and much that it does not."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error

from tests.system.harness import System

PATHS = ("/v1/predictions", "/v1/events", "/v1/outcomes")
EXAMPLES = 80  # of each operation and mode


@pytest.fixture(scope="module")
def document(system: System) -> Any:
    return system.http.get(f"{system.gateway}/openapi.json").json()


def test_the_document_tells_every_public_path_and_its_problems(document: Any) -> None:
    assert set(document["paths"]) == set(PATHS)
    for path in PATHS:
        assert {"401", "413", "422", "429", "503"} <= set(document["paths"][path]["post"]["responses"])


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", PATHS)
def test_no_request_makes_the_gateway_fail(system: System, path: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{system.gateway}/openapi.json")
    statuses: set[int] = set()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=schema[path]["POST"].as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        case.headers.pop("x-api-key", None)
        answer = case.call(headers=system.credentials(), timeout=20)
        case.validate_response(answer, checks=[not_a_server_error])
        statuses.add(answer.status_code)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]

    ask()
    assert statuses - {401, 429}, "the requests came further than the door"
