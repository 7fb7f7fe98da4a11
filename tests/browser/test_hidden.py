"""Who may change something: each changing call wants the token, and to come from the console's own pages."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.browser.harness import Console

DOCUMENT = Path(__file__).parents[2] / "docs" / "console.md"
_CALL = re.compile(r"`(POST|PUT|DELETE) (/api/[^\s`]+)")
_FOREIGN = (
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


def changing() -> list[tuple[str, str]]:
    """Every changing call that the document names, its placeholders filled in."""
    found = sorted(set(_CALL.findall(DOCUMENT.read_text())))
    return [(method, re.sub(r"\b[A-Z]{1,5}\b", "1", path)) for method, path in found]


def test_the_document_names_the_changing_calls() -> None:
    assert ("POST", "/api/drills") in changing()
    assert len(changing()) >= 11


@pytest.mark.parametrize(("method", "path"), changing())
def test_a_changing_call_needs_the_token_and_the_consoles_own_page(console: Console, method: str, path: str) -> None:
    url = f"{console.url}{path}"
    token = {"Authorization": f"Bearer {console.token}"}
    with httpx.Client(trust_env=False) as http:
        for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {console.token}"}):
            assert http.request(method, url, headers=wrong, json={}).status_code == httpx.codes.UNAUTHORIZED
        for foreign in _FOREIGN:
            assert http.request(method, url, headers=token | foreign, json={}).status_code == httpx.codes.FORBIDDEN
