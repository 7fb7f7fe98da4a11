"""What a person does with the console: look at the map, take a slow trace apart, compare it, read lines and metrics."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lab.clients.telemetry import Span
from lab.critical_path import critical_path
from lab.trace_tree import build_tree
from tests.browser.harness import Console

SOON = 20_000  # ms, on a busy machine
SLOW_MS = 100
OTHERS = 20  # as many as a search brings
PREDICTIONS = '{ trace:rootName = "POST /v1/predictions" && name = "fuse_prediction" }'
SERVICES = ("gateway", "orchestrator", "feature_store", "nlp_model", "cv_model", "redis")
EVERY_LINE = '{service_name=~".+"}'
OF_GATEWAY = '{service_name="gateway"}'
WAITS = '{ name = "batch_wait" }'


@pytest.fixture(scope="module")
def slow_trace(console: Console) -> str:
    """The id of somebody's prediction that waited long for its batch, after others that did not."""
    console.system.eventually(lambda: len(console.system.tempo.search(PREDICTIONS)) == OTHERS, "traffic", within=60)
    asked = {"fault": "batch-wait", "at": "nlp_model", "intensity": 1.0, "seconds": 60.0}
    since = time.time()
    answer = console.post("/api/faults", asked)
    assert answer.is_success, answer.text
    try:
        found = console.system.eventually(lambda: slow_predictions(console, since), "some wait for a batch", within=55)
    finally:
        console.delete("/api/faults")
    return found[0]


def slow_predictions(console: Console, since: float) -> list[str]:
    """Predictions' traces with a log line of the text model in which most of the time was waiting for its batch."""
    query = f'{{ resource.service.name = "nlp_model" && name = "batch_wait" && duration > {SLOW_MS}ms }}'
    found = console.system.tempo.search(query, since, time.time())
    return [
        each.trace_id for each in found if each.root_name == "POST /v1/predictions" and waits(console, each.trace_id)
    ]


def waits(console: Console, trace_id: str) -> bool:
    tree = build_tree(console.system.spans_now(trace_id))
    path = [each for each in critical_path(tree) if (each.span.service, each.span.name) == ("nlp_model", "batch_wait")]
    long = sum(each.duration_ns for each in path) > (tree.root.end_ns - tree.root.start_ns) / 2
    return long and bool(console.system.logs(trace_id=trace_id, service="nlp_model"))


@pytest.fixture
def rows(page: Page) -> Locator:
    return page.get_by_role("treeitem")


def detail(page: Page) -> Locator:
    return page.get_by_label("The selected span")


def test_the_map_shows_who_calls_whom_and_filters_every_page(console: Console, page: Page) -> None:
    console.open(page, "/")
    for service in SERVICES:
        expect(page.locator("button.node", has_text=service)).to_be_visible(timeout=60_000)
    expect(page.locator("button.edge-label", has_text="/s").first).to_be_visible()

    page.locator("button.node", has_text="cv_model").click()
    expect(page).to_have_url(re.compile("service=cv_model"))
    page.get_by_role("link", name="Traces", exact=True).click()
    expect(page.get_by_label("TraceQL")).to_have_value('{ resource.service.name = "cv_model" }')
    page.get_by_role("link", name="Logs", exact=True).click()
    expect(page.get_by_label("LogQL")).to_have_value('{service_name="cv_model"}')
    page.get_by_role("button", name="Take the filter cv_model off").click()
    expect(page.get_by_label("LogQL")).to_have_value(EVERY_LINE)


def test_a_slow_trace_is_found_by_traceql_with_completion(console: Console, page: Page, slow_trace: str) -> None:
    console.open(page, "/traces")
    expect(page.get_by_label("TraceQL")).to_be_visible(timeout=SOON)
    page.keyboard.press("/")
    page.keyboard.type('{ name = "batch_w')
    expect(page.get_by_role("option", name="batch_wait")).to_be_visible(timeout=SOON)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type(f" && duration > {SLOW_MS}ms }}")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("q="))
    expect(page.locator("a.point").first).to_be_visible(timeout=SOON)
    page.locator(f"a.row-link[href*='{slow_trace}']").click(timeout=SOON)
    expect(page).to_have_url(re.compile(f"/trace/{slow_trace}"))
    expect(page.get_by_role("heading", level=1)).to_have_text("gateway: POST /v1/predictions", timeout=SOON)


def test_times_are_the_viewers_with_utc_on_hover(console: Console, browser: Browser, traces: tuple[str, str]) -> None:
    context = browser.new_context(timezone_id="Asia/Kolkata")
    page = context.new_page()
    console.open(page, f"/trace/{traces[0]}")
    begun = page.locator("dl.facts time").first
    at = datetime.fromisoformat(begun.get_attribute("datetime", timeout=SOON) or "")
    expect(begun).to_have_text(re.compile(f"{at + timedelta(hours=5, minutes=30):%H:%M:%S}"))
    expect(begun).to_have_attribute("title", re.compile(f"^{at:%Y-%m-%d %H:%M:%S}.* UTC$"))
    expect(page.locator("#footer")).to_contain_text(re.compile("Times are in Asia/(Kolkata|Calcutta)"))
    context.close()


@pytest.mark.usefixtures("slow_trace")  # while requests wait long for a batch, they share one
def test_a_batch_and_its_callers_lead_to_each_other(console: Console, page: Page) -> None:
    span = shared_batch(console)
    other = span.links[0]
    console.open(page, f"/trace/{span.trace_id}?span={span.span_id}")
    expect(detail(page)).to_contain_text("Shared its batch with", timeout=SOON)
    detail(page).get_by_role("link", name=other.trace_id[:16]).first.click()

    expect(page).to_have_url(re.compile(f"/trace/{other.trace_id}.*span={other.span_id}"))
    expect(detail(page).get_by_role("heading", level=2)).to_have_text("batch_wait", timeout=SOON)
    expect(detail(page)).to_contain_text("had a batch with this span in it", timeout=SOON)
    expect(detail(page).locator(f"a[href*='{span.trace_id}']").first).to_be_visible()


def shared_batch(console: Console) -> Span:
    """A model's span that answered several requests at once."""
    found = console.system.tempo.search('{ name = "model_inference" && span.ml.batch.size > 1 }')
    spans = [span for each in found for span in console.system.spans_now(each.trace_id)]
    return next(span for span in spans if span.name == "model_inference" and span.links)


def test_its_waterfall_shows_the_critical_path_and_a_spans_own_lines(
    console: Console, page: Page, rows: Locator, slow_trace: str
) -> None:
    console.open(page, f"/trace/{slow_trace}")
    wait = rows.filter(has_text="nlp_model").filter(has_text="batch_wait")
    expect(wait).to_have_attribute("aria-label", re.compile(r"on the critical path"), timeout=SOON)
    expect(page.locator(".path .legend li").first).to_contain_text("nlp_model")

    wait.click()
    expect(detail(page).get_by_role("heading", level=2)).to_have_text("batch_wait")
    server = rows.filter(has_text="nlp_model").filter(has_text="POST /v1/score")
    server.click()
    expect(detail(page).locator("details.log").first).to_contain_text("request answered", timeout=SOON)
    expect(page).to_have_url(re.compile("span="))


def test_it_is_compared_with_a_typical_one(console: Console, page: Page, slow_trace: str) -> None:
    console.open(page, f"/trace/{slow_trace}")
    page.get_by_role("button", name="Compare with a typical one").click()

    expect(page).to_have_url(re.compile(f"/compare/{slow_trace}/[0-9a-f]{{32}}"), timeout=SOON)
    row = page.get_by_role("row").filter(has_text="nlp_model").filter(has_text="batch_wait")
    expect(row.locator(".delta")).to_have_text(re.compile(r"^\+"))
    expect(page.locator(".verdict")).to_contain_text("of its critical path in")
    expect(page.get_by_role("tree")).to_have_count(2)


def test_the_live_tail_shows_new_lines_and_leads_to_their_traces(console: Console, page: Page) -> None:
    console.open(page, f"/logs?q={quote(OF_GATEWAY)}")
    page.get_by_role("button", name="Live tail").click()
    lines = page.locator(".log-lines .log-row")
    expect(lines.first).to_be_visible(timeout=SOON)
    before = lines.count()

    answer = console.system.predict()
    of_it = page.locator(f"a.trace-link[href*='{answer['trace_id']}']").first
    expect(of_it).to_be_visible(timeout=SOON)
    assert lines.count() > before
    of_it.click()
    expect(page).to_have_url(re.compile(f"/trace/{answer['trace_id']}"))
    expect(page.get_by_role("treeitem").first).to_be_visible(timeout=SOON)


def test_logs_are_counted_by_level(console: Console, page: Page) -> None:
    console.open(page, f"/logs?q={quote(EVERY_LINE)}")
    expect(page.locator("rect.level-info").first).to_be_attached(timeout=SOON)
    expect(page.get_by_role("listitem").filter(has_text="INFO").first).to_be_visible()


def test_metrics_are_drawn_and_listed(console: Console, page: Page) -> None:
    console.open(page, "/metrics")
    console.search(page, "sum by (outcome) (rate(predictions_total[1m]))")
    expect(page.locator("path.line").first).to_be_attached(timeout=SOON)
    expect(page.get_by_role("cell", name="complete")).to_be_visible()

    console.search(page, "sum by (")
    expect(page.get_by_role("alert").first).to_contain_text("not understood", timeout=SOON)


def test_the_overview_tells_promises_and_its_heat_map_opens_traces(console: Console, page: Page) -> None:
    console.open(page, "/overview")
    expect(page.locator(".promise")).to_have_count(5, timeout=SOON)
    expect(page.locator(".promise").first).to_contain_text("Guards conversions per visit")
    example = page.locator(".points a.point").first
    expect(example).to_be_attached(timeout=SOON)
    expect(page.locator("rect.heat").first).to_be_attached()

    example.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/trace/[0-9a-f]{32}"))
    expect(page.get_by_role("treeitem").first).to_be_visible(timeout=SOON)


def test_links_survive_a_reload(console: Console, page: Page, slow_trace: str) -> None:
    spans = console.system.spans_now(slow_trace)
    wait = next(span for span in spans if span.name == "batch_wait" and span.service == "nlp_model")
    begun = {"from": str(wait.start_ns // 1_000_000 - 60_000), "to": str(wait.start_ns // 1_000_000 + 60_000)}
    between = "&".join(f"{name}={value}" for name, value in begun.items())
    of_trace = f'{EVERY_LINE} | trace_id="{slow_trace}"'
    for path, shown in {
        f"/traces?q={quote(WAITS)}&sort=slowest&{between}": "a.row-link",
        f"/trace/{slow_trace}?span={wait.span_id}": f".span-detail code:text('{wait.span_id}')",
        f"/logs?q={quote(of_trace)}&{between}": f"a[href*='{slow_trace}']",
        f"/metrics?q=up&{between}": "path.line",
    }.items():
        console.open(page, path)
        expect(page.locator(shown).first).to_be_attached(timeout=SOON)
        before = page.url, boxes(page)
        page.reload()
        expect(page.locator(shown).first).to_be_attached(timeout=SOON)
        assert (page.url, boxes(page)) == before


def test_a_copied_link_keeps_the_time_it_was_copied_at(console: Console, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    console.open(page, f"/traces?q={quote(WAITS)}&last=5m")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)

    assert copied["q"] == [WAITS]
    assert int(copied["to"][0]) - int(copied["from"][0]) == 5 * 60_000
    assert "last" not in copied


def boxes(page: Page) -> list[str]:
    """What stands in the page's fields; the boxes beside found traces are as many as have been found by then."""
    values: list[str] = page.locator("main input:not([type=checkbox]), main select").evaluate_all(
        "all => all.map(each => each.value)"
    )
    return values


def test_the_token_leaves_the_address_and_changes_stay_possible(console: Console, page: Page) -> None:
    console.open(page, "/overview")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert "token" not in page.url
    assert page.evaluate("sessionStorage.getItem('faultline-token')") == console.token


def test_a_missing_trace_says_what_to_do(console: Console, page: Page) -> None:
    console.open(page, f"/trace/{'0' * 31}1")
    expect(page.locator("main")).to_contain_text("is not here yet", timeout=SOON)
