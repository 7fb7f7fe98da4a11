"""Beside Grafana (compose, Kubernetes) each view opens its query in Explore; without one nothing is offered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import yaml
from playwright.sync_api import Page, Route, expect

from tests.browser.harness import Console

GRAFANA = "http://grafana.example:3000"
PROVISIONED = Path(__file__).parents[2] / "deploy/grafana/provisioning/datasources/datasources.yaml"
TRACE_QL = "{ status = error && duration > 100ms }"
LOG_QL = '{service_name="gateway"} |= "answered"'
PROM_QL = "sum by (outcome) (rate(predictions_total[1m]))"
SOON = 20_000
Query = tuple[str, str]  # a data source's uid, and the field that holds the query


@pytest.fixture
def beside_grafana(page: Page) -> Page:
    """The page as it is in compose: the lab knows where Grafana is."""

    def told(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "mode": "compose", "grafana": GRAFANA})

    page.route("**/api/state", told)
    return page


VIEWS: dict[str, tuple[Query, str]] = {
    "/?service=cv_model&client=orchestrator": (
        ("tempo", "serviceMapQuery"), '{client="orchestrator",server="cv_model"}',
    ),
    f"/traces?q={quote(TRACE_QL)}": (("tempo", "query"), TRACE_QL),
    f"/logs?q={quote(LOG_QL)}": (("loki", "expr"), LOG_QL),
    f"/metrics?q={quote(PROM_QL)}": (("prometheus", "expr"), PROM_QL),
}  # fmt: skip


@pytest.mark.parametrize("path", VIEWS)
def test_a_view_opens_its_own_query_in_grafana(console: Console, beside_grafana: Page, path: str) -> None:
    (uid, field), query = VIEWS[path]
    console.open(beside_grafana, path)

    (pane,) = panes(beside_grafana)
    assert pane["datasource"] == uid
    assert [each[field] for each in pane["queries"]] == [query]
    assert pane["range"] == {"from": "now-15m", "to": "now"}


def test_each_part_of_the_overview_opens_its_queries(console: Console, beside_grafana: Page) -> None:
    console.open(beside_grafana, "/overview")
    promises, alerts, latency, quality, drift = panes(beside_grafana, 5)

    budgets = [each["budget_query"] for each in console.system.http.get(f"{console.url}/api/slo").json()["objectives"]]
    assert expressions(promises) == budgets
    assert expressions(alerts) == ['ALERTS{alertstate="firing"}']
    assert "increase(prediction_duration_seconds_bucket" in expressions(latency)[0]
    assert any("model:precision:window" in each for each in expressions(quality))
    assert expressions(drift) == ["feature:psi:window"]


def test_traces_and_runbooks_open_in_grafana(console: Console, beside_grafana: Page, traces: tuple[str, str]) -> None:
    first, second = traces
    console.open(beside_grafana, f"/trace/{first}")
    (pane,) = panes(beside_grafana)
    assert [(each["queryType"], each["query"]) for each in pane["queries"]] == [("traceql", first)]
    begun_ms = min(span.start_ns for span in console.system.spans_now(first)) // 1_000_000
    assert int(pane["range"]["from"]) < begun_ms < int(pane["range"]["to"])

    console.open(beside_grafana, f"/compare/{first}/{second}")
    assert [each["queries"][0]["query"] for each in panes(beside_grafana)] == [first, second], "side by side"

    console.open(beside_grafana, "/runbooks/RedisPoolWait")
    beside_grafana.locator(".step").first.get_by_role("button", name="Run").click()
    (pane,) = panes(beside_grafana)
    assert "pool" in pane["queries"][0]["expr"]


def test_where_there_is_no_grafana_nothing_is_offered(console: Console, page: Page) -> None:
    for path in ("/overview", f"/traces?q={quote(TRACE_QL)}"):
        console.open(page, path)
        expect(page.locator("#main .loading")).to_have_count(0, timeout=SOON)
        expect(page.get_by_role("link", name="Open in Grafana")).to_have_count(0)


def panes(page: Page, links: int = 1) -> list[dict[str, Any]]:
    """What the page's links ask of Explore, checked against the format that Grafana documents and our data sources."""
    found = page.locator("#main").get_by_role("link", name="Open in Grafana")
    expect(found).to_have_count(links, timeout=SOON)
    parts = [urlsplit(address) for address in found.evaluate_all("all => all.map(each => each.href)")]
    assert {(part.scheme, part.netloc, part.path) for part in parts} == {("http", "grafana.example:3000", "/explore")}
    asked = [parse_qs(part.query) for part in parts]
    assert all(each["schemaVersion"] == ["1"] for each in asked)
    shown = [pane for each in asked for pane in json.loads(each["panes"][0]).values()]
    for pane in shown:
        assert pane.keys() == {"datasource", "queries", "range"}
        letters = [query["refId"] for query in pane["queries"]]
        assert letters == sorted(set(letters)), "an identifier for each query"
        assert all(query["datasource"] == sources()[pane["datasource"]] for query in pane["queries"])
    return shown


def sources() -> dict[str, dict[str, str]]:
    """How a query names each provisioned data source, by uid."""
    rows = yaml.safe_load(PROVISIONED.read_text())["datasources"]
    return {row["uid"]: {"type": row["type"], "uid": row["uid"]} for row in rows}


def expressions(pane: dict[str, Any]) -> list[str]:
    return [each["expr"] for each in pane["queries"]]
