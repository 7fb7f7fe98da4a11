"""The backends under the console's origin: queries pass, nothing else does."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse, Response

from tests.unit.console.conftest import TOKEN, Console

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/tempo/api/traces/00ab", "/api/traces/00ab"),
        ("/tempo/api/search?q=%7B%20%7D&limit=5", "/api/search?q=%7B%20%7D&limit=5"),
        ("/tempo/api/v2/search/tag/resource.service.name/values", "/api/v2/search/tag/resource.service.name/values"),
        ("/tempo/api/search/tag/a%20b/values", "/api/search/tag/a b/values"),
        ("/loki/api/v1/query_range?query=%7Ba%3D%22b%22%7D", "/loki/api/v1/query_range?query=%7Ba%3D%22b%22%7D"),
        ("/loki/api/v1/label/service_name/values", "/loki/api/v1/label/service_name/values"),
        ("/prometheus/api/v1/query?query=a%2Bb", "/api/v1/query?query=a%2Bb"),
        ("/alertmanager/api/v2/alerts", "/api/v2/alerts"),
    ],
)
async def test_a_query_is_asked_as_it_came(console: Console, path: str, asked: str) -> None:
    assert (await console.get(path, TOKEN)).status_code == 200
    assert console.backends.asked[-1] == asked
    assert "authorization" not in console.backends.headers[-1]
    assert "cookie" not in console.backends.headers[-1]


@pytest.mark.parametrize(
    "path",
    [
        "/tempo/flush",
        "/tempo/api/traces/../../flush",
        "/tempo/api/search/tag/../values",
        "/tempo/api/search/tag/%2e%2e/values",
        "/tempo/api/traces/xyz",
        "/loki/loki/api/v1/query",
        "/loki/api/v1/push",
        "/loki/api/v1/delete",
        "/prometheus/api/v1/admin/tsdb/snapshot",
        "/prometheus/-/reload",
        "/prometheus/api/v1/status/config",
        "/alertmanager/api/v2/status",
        "/tempo/",
        "/gateway/x",
    ],
)
async def test_what_is_no_query_is_not_passed_on(console: Console, path: str) -> None:
    assert (await console.get(path)).status_code == 404
    assert console.backends.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_is_changed_in_a_backend(console: Console, method: str) -> None:
    assert (await console.ask(method, "/alertmanager/api/v2/silences", {})).status_code == 405
    assert console.backends.asked == []


async def test_status_type_and_body_come_through_and_nothing_else(console: Console) -> None:
    console.backends.answers["/api/search"] = PlainTextResponse(
        "invalid query", 400, {"Set-Cookie": "a=b", "Server": "tempo", "Content-Security-Policy": "none"}
    )
    answer = await console.get("/tempo/api/search")
    assert (answer.status_code, answer.text) == (400, "invalid query")
    assert "set-cookie" not in answer.headers
    assert "default-src 'none'" in answer.headers["content-security-policy"]

    console.backends.answers["/api/traces/ab"] = Response(b"\x0a\x00", media_type="application/protobuf")
    assert (await console.get("/tempo/api/traces/ab")).headers["content-type"] == "application/protobuf"


async def test_a_large_answer_comes_whole(console: Console) -> None:
    console.backends.answers["/api/v1/series"] = {"data": ["x" * 100] * 50_000}
    assert len((await console.get("/prometheus/api/v1/series")).json()["data"]) == 50_000


async def test_a_backend_that_is_not_there_is_a_problem_with_a_next_step(console: Console) -> None:
    console.place.hosts.urls["tempo"] = "http://127.0.0.1:1"  # type: ignore[index]
    answer = await console.get("/tempo/api/search")
    assert answer.status_code == 502
    assert "faultline status" in answer.json()["next_step"]
