"""The overview with numbers that are known: burnt budgets, an alert, two versions, a feature that drifts, a release."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.harness import Console

SOON = 20_000
# By what stands in a query: its series' labels and the value that each of them has all the time.
SERIES: dict[str, list[tuple[dict[str, str], float]]] = {
    'slo:budget_left:ratio{slo="latency"}': [({}, -3.0)],
    "slo:budget_left:ratio": [({}, 0.9)],
    "slo:error_ratio": [({}, 20.0)],
    "model:precision:window": [({"model_version": "v1"}, 0.97), ({"model_version": "v2"}, 0.81)],
    "model:precision_low:window": [({"model_version": "v1"}, 0.95)],
    "model:converted_share:window": [({"model_version": "v1"}, 0.2)],
    "feature:psi:window": [
        ({"feature": "area", "model_name": "price_model", "model_version": "v1"}, 0.03),
        ({"feature": "items_viewed", "model_name": "conversion_model", "model_version": "v2"}, 0.61),
    ],
}
ALERT = {
    "name": "RedisPoolWait", "state": "active", "severity": "page", "service": "feature_store", "summary": "It waits.",
    "starts_at": 1_767_323_045.0, "ends_at": 0, "runbook": "/runbooks/RedisPoolWait", "runbook_url": "",
    "dashboard_url": "", "traces_query": "{ }", "labels": {"service_name": "feature_store", "severity": "page"},
}  # fmt: skip


@pytest.fixture
def known(page: Page) -> Page:
    """A page to which Prometheus, Alertmanager and the deployments' log lines say what stands above."""
    page.route("**/prometheus/api/v1/query*", answer)
    page.route("**/api/alerts", lambda route: route.fulfill(json={"alerts": [ALERT]}))
    release = {"time": time.time() - 120, "text": "cv_model: release v9"}
    page.route("**/api/deployments?*", lambda route: route.fulfill(json={"deployments": [release]}))
    return page


def answer(route: Route) -> None:
    address = urlsplit(route.request.url)
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    rows = next((rows for part, rows in SERIES.items() if part in asked["query"]), [])
    found: Any = [] if address.path.endswith("exemplars") else {"result": [series(*row, asked) for row in rows]}
    route.fulfill(json={"status": "success", "data": found})


def series(labels: Mapping[str, str], value: float, asked: Mapping[str, str]) -> dict[str, Any]:
    """As an instant query answers it and as one over a range does."""
    start, end, step = (int(float(asked.get(name, 1))) for name in ("start", "end", "step"))
    moments = range(start, end + 1, step)
    return {"metric": labels, "value": [0, str(value)], "values": [[at, str(value)] for at in moments]}


def test_what_burns_fires_and_drifts_is_told(console: Console, known: Page) -> None:
    console.open(known, "/overview")
    burnt = known.locator(".promise.bad")
    expect(burnt).to_have_count(1, timeout=SOON)
    expect(burnt).to_contain_text("Spent: 4× what may fail")
    expect(burnt.locator(".badge.bad")).to_have_text(["burns 20× over 5m", "burns 20× over 1h"])
    expect(burnt).to_contain_text("Guards conversions per visit")
    expect(known.locator(".promise.good").first).to_contain_text("90 % of the budget left")

    alert = known.get_by_role("row").filter(has_text="RedisPoolWait")
    expect(alert).to_contain_text("It waits.")
    runbook = alert.get_by_role("link", name="Runbook")
    expect(runbook).to_have_attribute("href", re.compile("/runbooks/RedisPoolWait.*service_name=feature_store"))

    quality = known.get_by_role("region", name="Model quality")
    expect(quality.get_by_role("group", name=re.compile("Precision.*v1 now 97 %, v2 now 81 %"))).to_be_visible()
    expect(quality.get_by_role("group", name=re.compile("Conversion.*v1 now 20 %"))).to_be_visible()
    drift = known.get_by_role("region", name="Drift")
    expect(drift.locator("text", has_text="items_viewed").first).to_be_visible()
    expect(drift.locator("rect.heat.loud").first).to_be_visible()
    expect(drift.get_by_role("img", name="cv_model: release v9")).to_be_visible()


def test_pages_say_what_to_do_while_a_backend_or_the_lab_is_away(console: Console, browser: Browser) -> None:
    page = browser.new_page()  # one of its own: refusals of this kind stand on the browser's console
    console.open(page, "/")
    expect(page.locator(".node").first).to_be_visible(timeout=3 * SOON)
    down = {"title": "Bad Gateway", "detail": "It does not answer.", "next_step": "`faultline status` shows what runs."}
    for backend, path in {"prometheus": "/", "tempo": "/traces", "loki": "/logs"}.items():
        page.route(f"**/{backend}/api/**", lambda route: route.fulfill(status=502, json=down))
        console.open(page, path)
        failure = page.locator("#main").get_by_role("alert").last
        expect(failure).to_contain_text("The backend does not answer", timeout=SOON)
        expect(failure).to_contain_text("faultline status shows what runs.")
        page.unroute(f"**/{backend}/api/**")
        failure.get_by_role("button", name="Try again").click()
        expect(page.locator(".node, .row-link, .log-row").first).to_be_visible(timeout=SOON)

    page.route("**/api/state", lambda route: route.abort())
    expect(page.locator("#header").get_by_role("alert")).to_contain_text("The lab does not answer", timeout=SOON)
    page.unroute("**/api/state")
    expect(page.locator("#header").get_by_role("alert")).to_have_count(0, timeout=SOON)
    page.close()


def test_an_empty_answer_says_what_to_do(console: Console, page: Page) -> None:
    console.open(page, "/traces?q=" + quote('{ name = "no such span" }'))
    expect(page.locator(".empty")).to_contain_text("Tempo shows new traces after 15 to 30 s", timeout=SOON)

    page.route("**/prometheus/api/v1/query?*", lambda route: route.fulfill(json={"data": {"result": []}}))
    page.route("**/prometheus/api/v1/query_range*", lambda route: route.fulfill(json={"data": {"result": []}}))
    console.open(page, "/")
    expect(page.locator(".empty")).to_contain_text("No calls in the last minute", timeout=SOON)
    console.open(page, "/overview")
    expect(page.locator(".empty")).to_contain_text(["No requests in this time", "No outcomes yet", "No score yet"])
