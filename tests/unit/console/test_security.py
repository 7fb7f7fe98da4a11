"""Who may read, who may change, and what goes with every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.console.security import CSP, Tokens, reading_is_open
from lab.place import LabError, Place
from tests.unit.console.conftest import TOKEN, Backends, Console, standing

pytestmark = pytest.mark.anyio

CHANGES = (
    ("POST", "/api/faults"),
    ("DELETE", "/api/faults"),
    ("DELETE", "/api/faults/x"),
    ("POST", "/api/drills"),
    ("POST", "/api/drills/now/hint"),
    ("POST", "/api/drills/now/answer"),
    ("POST", "/api/drills/now/act"),
    ("POST", "/api/drills/now/give-up"),
    ("PUT", "/api/notebook"),
    ("POST", "/api/gameday/answer"),
    ("POST", "/api/runbooks/ServiceSilent/run"),
    ("POST", "/api/runbooks/ServiceSilent/steps/1/run"),
)


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Console]:
    """One for all of them: none of these calls changes anything."""
    async with standing(tmp_path_factory.mktemp("console") / "run", Backends(), {}) as made:
        yield made


@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_a_changing_call_needs_a_token_that_is_known(console: Console, method: str, path: str) -> None:
    for token in ("", "nobodys", TOKEN[:-1]):
        refused = await console.ask(method, path, {}, token)
        assert refused.status_code == 401, token
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:1"},
    ],
)
async def test_another_sites_page_changes_nothing_even_with_the_token(
    console: Console, headers: dict[str, str]
) -> None:
    refused = await console.post("/api/drills", {"level": 1}, TOKEN, **headers)
    assert refused.status_code == 403
    assert (await console.get("/api/drills/now")).json()["state"] == "none"


async def test_the_consoles_own_page_and_a_script_may(console: Console) -> None:
    own = {"Sec-Fetch-Site": "same-origin", "Origin": str(console.http.base_url).rstrip("/")}
    for headers in (own, {}):
        assert (await console.post("/api/drills", {"level": 9}, TOKEN, **headers)).status_code == 422


async def test_reading_is_open_on_the_loopback_and_says_who_asks(console: Console) -> None:
    for token, player in (("", None), ("nobodys", None), (TOKEN, "player"), ("anns-token", "ann")):
        told = (await console.get("/api/state", token)).json()
        assert told["player"] == player
        assert told["reading_needs_token"] is False


async def test_published_reading_needs_the_token_too_but_the_page_itself_does_not(tmp_path: Path) -> None:
    async with standing(tmp_path / "run", Backends(), {"FAULTLINE_BIND": "192.0.2.7"}) as console:
        for path in ("/api/state", "/tempo/api/echo", "/loki/api/v1/labels", "/prometheus/api/v1/rules", "/api/none"):
            assert (await console.get(path)).status_code == 401, path
            assert (await console.get(path, "anns-token")).status_code != 401, path
        for path in ("/", "/practice", "/static/api.js", "/healthz"):
            assert (await console.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    ("environment", "is_open"),
    [
        ({}, True),
        ({"FAULTLINE_BIND": "127.0.0.1"}, True),
        ({"FAULTLINE_BIND": "localhost"}, True),
        ({"FAULTLINE_BIND": "::1"}, True),
        ({"FAULTLINE_BIND": "0.0.0.0"}, False),
        ({"FAULTLINE_BIND": "lab.example"}, False),
        ({"FAULTLINE_BIND_HOST": "0.0.0.0"}, False),
        ({"FAULTLINE_BIND_HOST": "0.0.0.0", "FAULTLINE_ENVIRONMENT": "compose"}, True),
        (
            {"FAULTLINE_BIND_HOST": "0.0.0.0", "FAULTLINE_ENVIRONMENT": "compose", "FAULTLINE_BIND": "10.0.0.1"},
            False,
        ),
    ],
)
def test_reading_is_open_only_where_it_is_published_on_a_loopback_address(
    environment: dict[str, str], is_open: bool
) -> None:
    assert reading_is_open(environment) is is_open


@pytest.mark.parametrize("path", ["/", "/static/api.js", "/api/state", "/api/none", "/none", "/tempo/none", "/healthz"])
async def test_every_answer_carries_the_same_protection(console: Console, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        headers = (await console.http.request(method, path)).headers
        assert headers["content-security-policy"] == CSP
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == ("no-store" if path.startswith(("/api", "/tempo")) else "no-cache")


def test_without_a_token_there_is_no_console(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    with pytest.raises(LabError, match="lab_token cannot be read"):
        Tokens.of(place, {})
    place.secrets_dir.mkdir()
    (place.secrets_dir / "lab_token").write_text("\n")
    with pytest.raises(LabError, match="empty"):
        Tokens.of(place, {})


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/control/key"])
async def test_nothing_outside_the_page_is_served(console: Console, path: str) -> None:
    assert (await console.http.get(path)).status_code == 404


async def test_whoever_mistypes_a_path_gets_the_page_and_a_script_a_problem(console: Console) -> None:
    person = await console.http.get("/nowhere", headers={"Accept": "text/html,*/*"})
    assert (person.status_code, person.headers["content-type"]) == (404, "text/html; charset=utf-8")
    for path, accept in (("/nowhere", "*/*"), ("/api/nowhere", "text/html"), ("/tempo/nowhere", "text/html")):
        script = await console.http.get(path, headers={"Accept": accept})
        assert (script.status_code, script.headers["content-type"]) == (404, "application/problem+json"), path
