"""A runbook is read as it stands, and one that lacks a part is refused with the place and the reason."""

from __future__ import annotations

import pytest

from lab.place import LabError
from lab.runbooks import kind_page, load
from lab.runbooks.firing import fill
from lab.runbooks.model import Expectation, expectation
from lab.runbooks.parse import RunbookError, parse

PAGE = """---
alert: Slow
severity: [page]
slo: [latency]
causes: [far-hop]
dashboards: [overview]
---

# Slow

## Meaning

It is slow. <b>Really</b> <script>alert(1)</script>

## Impact

People wait.

## Diagnosis

### 1. wait

Who waits?

```promql
up{job=~"$job"}
```

Holds if any value > 0.5 seconds. Look for the pool.

### 2. lines

Who says so?

```logql
{service_name="gateway"}
```

Holds if rows >= 2. Look for words.

## Mitigation

Nothing.

## Prevention

Nothing.

## Decision table

| holds | does not hold | kind | where |
|---|---|---|---|
| `wait`, `lines` | | [queueing](../faults/queueing.md) | here |
| `wait` | `lines` | [network latency](../faults/network-latency.md) | there |
"""


def test_a_page_becomes_a_runbook() -> None:
    book = parse("Slow", PAGE)
    assert book.causes == ("far-hop",)
    assert [(step.number, step.name, step.language) for step in book.steps] == [
        (1, "wait", "promql"),
        (2, "lines", "logql"),
    ]
    assert book.steps[0].question == "Who waits?"
    assert book.steps[0].look_for == "Holds if any value > 0.5 seconds. Look for the pool."
    assert book.steps[0].expect == Expectation("any value", ">", 0.5)
    assert [(row.holds, row.fails, row.kind, row.page) for row in book.table] == [
        (("wait", "lines"), (), "queueing", "queueing"),
        (("wait",), ("lines",), "network latency", "network-latency"),
    ]


@pytest.mark.parametrize(
    ("found", "row"),
    [
        ({"wait": True, "lines": True}, 0),
        ({"wait": True, "lines": False}, 1),
        ({"wait": True, "lines": None}, None),  # what could not be asked points nowhere
        ({"wait": False, "lines": False}, None),
    ],
)
def test_the_first_row_that_fits_is_the_branch(found: dict[str, bool | None], row: int | None) -> None:
    assert parse("Slow", PAGE).branch(found) == row


def test_what_a_page_shows_is_safe_and_leads_within_the_console() -> None:
    shown = parse("Slow", PAGE).as_json()
    html = "".join(section["html"] for section in shown["sections"])
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "style=" not in html
    assert 'href="/runbooks/kinds/queueing"' in html
    assert shown["steps"][0]["expect"] == "any value > 0.5"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("---\nalert", "alert", "no front matter"),
        ("slo: [latency]\n", "", "front matter"),
        ("## Impact", "## Effect", "headings"),
        ("### 2. lines", "### 3. lines", "has to be 2"),
        ("```promql", "```sql", "language"),
        ("Holds if rows >= 2.", "Perhaps.", "when it holds"),
        ("```logql", "```logql\n{a=\"b\"}\n```\n\n```logql", "2 query blocks"),
        ("| `wait` | `lines`", "| `weight` | `lines`", "unknown steps: weight"),
        ("[queueing](../faults/queueing.md)", "queueing", "not to one fault kind"),
    ],
)  # fmt: skip
def test_a_page_that_lacks_a_part_is_refused(old: str, new: str, reason: str) -> None:
    assert old in PAGE
    with pytest.raises(RunbookError, match=reason):
        parse("Slow", PAGE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "values", "rows", "holds"),
    [
        ("Holds if any value > 0.5 s. Look.", [0.1, 0.6], 2, True),
        ("Holds if every value < 0.5.", [0.1, 0.6], 2, False),
        ("Holds if every value < 0.5.", [], 0, False),
        ("Holds if any value < 0.5.", [], 0, False),
        ("Holds if rows > 2.", [], 3, True),
        ("Holds if it exits with 1.", [1.0], 7, True),
    ],
)
def test_an_expectation_judges_what_came_back(text: str, values: list[float], rows: int, holds: bool) -> None:
    expect = expectation(text)
    assert expect is not None
    assert expect.holds(values, rows) is holds


def test_labels_fill_a_query_and_cannot_break_out_of_it() -> None:
    assert fill('up{job=~"$job"}', {"job": "a.b|c"}) == 'up{job=~"a[.]b|c"}'
    assert fill('up{job=~"$job"}', {}) == 'up{job=~".+"}'
    with pytest.raises(LabError, match="cannot stand in a query"):
        fill('up{job=~"$job"}', {"job": '"} or vector(1)'})


def test_what_is_not_there_is_said_so() -> None:
    with pytest.raises(LabError, match="no runbook"):
        load("../README")
    with pytest.raises(LabError, match="no page"):
        kind_page("../../etc/passwd")


def test_a_page_of_a_kind_is_rendered() -> None:
    page = kind_page("queueing")
    assert page["title"] == "Queueing"
    assert "What it is" in [section["title"] for section in page["sections"]]
