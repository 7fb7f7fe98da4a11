"""Bad bodies get a 4xx that says which field is wrong; nothing gets a 5xx."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lab.console.bodies import ONE_OR_MORE_ANSWERS, ActAsk, DrillAsk, FaultAsk, Notebook, validated
from lab.console.problems import Problem
from tests.unit.console.conftest import TOKEN, Backends, Console, standing

pytestmark = pytest.mark.anyio

FIELDS = ("level", "seed", "fault", "seconds", "kind", "pins", "labels", "act", "service", "title", "")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    """One for all of them: none of these calls changes anything."""
    async with standing(tmp_path_factory.mktemp("console") / "run", Backends(), {}) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/faults", {}, "fault"),
        ("/api/faults", {"fault": 5}, "fault"),
        ("/api/faults", {"fault": "leak", "seconds": "60"}, "seconds"),
        ("/api/faults", {"fault": "leak", "secret": 1}, "secret"),
        ("/api/drills", {}, "level"),
        ("/api/drills", {"level": 6}, "level"),
        ("/api/drills", {"level": True}, "level"),
        ("/api/drills", {"level": 1, "seed": -1}, "seed"),
        ("/api/drills", {"level": 1, "seed": 10**12}, "seed"),
        ("/api/drills", {"level": 1, "count": 0}, "count"),
        ("/api/drills", {"level": 1, "patience": 1e9}, "patience"),
        ("/api/gameday/answer", {}, "kind"),
        ("/api/runbooks/ServiceSilent/run", {"labels": {"a": 1}}, "labels.a"),
    ],
)
async def test_the_wrong_field_is_named(console: Console, path: str, body: Any, field: str) -> None:
    answer = await console.post(path, body)
    assert answer.status_code == 422
    assert field in [each["field"] for each in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"level": NaN}', "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"level=1", "application/x-www-form-urlencoded", 415),
        (b'{"level": 1}', "text/plain", 415),
        (b'{"level": 1}', "", 415),
        (b" " * 300_000, "application/json", 413),
    ],
)
async def test_what_is_no_json_is_refused(console: Console, content: bytes, kind: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", **({"Content-Type": kind} if kind else {})}
    answer = await console.http.post("/api/drills", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_call_or_method_is_a_problem_too(console: Console) -> None:
    for method, path, status in (
        ("GET", "/api/none", 404),
        ("PATCH", "/api/drills", 405),
        ("GET", "/api/drills/none", 404),
        ("GET", "/api/runbooks/None", 404),
        ("GET", "/api/runbooks/kinds/none", 404),
        ("POST", "/api/runbooks/ServiceSilent/steps/99/run", 404),
        ("GET", "/api/deployments?since=yesterday", 400),
        ("GET", "/api/deployments?since=nan", 400),
        ("GET", "/dashboards/none", 404),
    ):
        answer = await console.ask(method, path, {} if method == "POST" else None)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
        assert answer.json()["status"] == status


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=JSON)
def test_any_json_is_taken_or_refused_field_by_field(document: Any) -> None:
    adapters: list[TypeAdapter[Any]] = [
        ONE_OR_MORE_ANSWERS,
        *(TypeAdapter(model) for model in (FaultAsk, DrillAsk, ActAsk, Notebook)),
    ]
    raw = json.dumps(document).encode()
    assert all(answer_of(raw, adapter) in (200, 422) for adapter in adapters)


def answer_of(raw: bytes, adapter: TypeAdapter[Any]) -> int:
    """The status of such a body; 422 only with the fields that are wrong."""
    try:
        validated(raw, adapter)
    except Problem as problem:
        return problem.status if problem.errors else 0
    return 200


@pytest.mark.parametrize("url", ["http://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"])
def test_a_pin_opens_a_page_of_the_console_alone(url: str) -> None:
    with pytest.raises(ValidationError, match="path of the console"):
        Notebook.model_validate({"pins": [{"kind": "trace", "title": "x", "url": url}]})


def test_pins_are_bounded_in_number_and_size() -> None:
    pin = {"kind": "log", "title": "x", "url": "/logs?q=a"}
    assert len(Notebook.model_validate({"pins": [pin] * 200}).pins) == 200
    for pins in ([pin] * 201, [{**pin, "data": ["x" * 1_000] * 20}], [{**pin, "kind": "other"}], [{"title": "x"}]):
        with pytest.raises(ValidationError):
            Notebook.model_validate({"pins": pins})
