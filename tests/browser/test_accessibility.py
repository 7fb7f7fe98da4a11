"""Every page in both themes has no serious finding of axe-core, and none is wider than the window, wide or narrow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_no_sideways_scroll
from tests.browser.harness import Console

PATHS = (
    "/", "/overview", "/traces?limit=20", "/logs", "/metrics?q=sum+by+(service_name)+(rate(http_requests_total[1m]))",
    "/overview?from=1767268800000&to=1767355200000", "/practice", "/faults", "/gameday", "/runbooks",
    "/runbooks/RedisPoolWait",
)  # fmt: skip
SOON = 20_000


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_and_fits(console: Console, page: Page, path: str) -> None:
    check(console, page, path)


def test_a_trace_is_accessible_and_fits(console: Console, page: Page, traces: tuple[str, str]) -> None:
    check(console, page, f"/trace/{traces[0]}")


def test_two_traces_beside_each_other_are_accessible_and_fit(
    console: Console, page: Page, traces: tuple[str, str]
) -> None:
    check(console, page, f"/compare/{traces[0]}/{traces[1]}")


def check(console: Console, page: Page, path: str) -> None:
    console.open(page, path)
    expect(page.locator("#main h1").first).to_be_visible(timeout=SOON)
    expect(page.locator("#main .loading")).to_have_count(0, timeout=SOON)
    assert_accessible(page)
    assert_no_sideways_scroll(page)
