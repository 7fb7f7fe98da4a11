"""The document's list of what is not supported: each row answers 400 with a position and a reason."""

import re
from pathlib import Path

import pytest

from tests.unit.telemetry_store.process import StoreProcess, http

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/telemetry-store.md"
ROWS = re.findall(r"^\| (TraceQL|LogQL) \| `(.+)` \| (.+) \|$", DOCUMENT.read_text(), flags=re.MULTILINE)


def test_the_document_has_a_list() -> None:
    assert len(ROWS) >= 25


@pytest.mark.parametrize(("language", "query", "why"), ROWS)
def test_what_is_not_supported_says_so(store: StoreProcess, language: str, query: str, why: str) -> None:
    query = query.replace(r"\|", "|")
    path, name = ("/api/search", "q") if language == "TraceQL" else ("/loki/api/v1/query_range", "query")
    answer = http().get(store.url + path, params={name: query})
    assert answer.status_code == 400, answer.text
    assert re.search(r"line 1, col \d+: .+|has to be the last stage", answer.text), answer.text
