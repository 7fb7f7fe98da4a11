"""What telemetry, players and links bring along stays text on every page."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.harness import Console

IMAGE = '<img src=x onerror="window.broken = 1">'
SCRIPT = "<script>window.broken = 1</script>"
SOON = 20_000


@pytest.fixture(scope="module")
def hostile(console: Console) -> str:
    """The id of a trace whose names, attributes, events and log line hold HTML; it is in the store."""
    trace_id, span_id, now = secrets.token_hex(16), secrets.token_hex(8), time.time_ns()
    resource = {"attributes": [_text("service.name", f"svc{IMAGE}"), _text("service.namespace", "marketplace")]}
    span = {
        "traceId": trace_id, "spanId": span_id, "name": f"POST {IMAGE}", "kind": 2,
        "startTimeUnixNano": str(now - 50_000_000), "endTimeUnixNano": str(now),
        "attributes": [_text("description", SCRIPT), _text(f"key{IMAGE}", "value")],
        "events": [{"timeUnixNano": str(now), "name": SCRIPT, "attributes": [_text("exception.message", IMAGE)]}],
        "status": {"code": 2, "message": SCRIPT},
    }  # fmt: skip
    line = {
        "timeUnixNano": str(now), "severityText": "ERROR", "severityNumber": 17, "traceId": trace_id, "spanId": span_id,
        "body": {"stringValue": f"{SCRIPT} {IMAGE}"}, "attributes": [_text("description", IMAGE)],
    }  # fmt: skip
    _post(console, "traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]})
    _post(console, "logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [line]}]}]})
    console.system.eventually(lambda: console.system.spans_now(trace_id), "the trace is in the store", within=20)
    return trace_id


@pytest.fixture(autouse=True)
def _nothing_runs(page: Page) -> Iterator[None]:
    """No dialog, no script of the text's own, and no element made of it."""
    dialogs: list[Dialog] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))  # Playwright cannot hang onto a bound built-in
    yield
    assert not dialogs
    assert page.evaluate("window.broken") is None
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("#main script").count() == 0


def test_a_trace_shows_markup_as_text(console: Console, page: Page, hostile: str) -> None:
    console.open(page, f"/trace/{hostile}")

    expect(page.get_by_role("heading", level=1)).to_contain_text(IMAGE, timeout=SOON)
    expect(page.locator(".span-detail")).to_contain_text(SCRIPT)
    expect(page.locator(".span-detail")).to_contain_text(f"{SCRIPT} {IMAGE}", timeout=SOON)  # its log line


def test_lists_of_traces_and_log_lines_show_markup_as_text(console: Console, page: Page, hostile: str) -> None:
    console.open(page, "/traces?q=" + quote('{ span.description =~ ".*script.*" }'))
    expect(page.locator("a.row-link").first).to_contain_text(IMAGE, timeout=SOON)

    console.open(page, "/logs?q=" + quote(f'{{service_name=~".+"}} | trace_id="{hostile}"'))
    expect(page.locator("#main")).to_contain_text(f"{SCRIPT} {IMAGE}", timeout=SOON)


@pytest.mark.parametrize(
    "path",
    [
        "/traces?q=" + quote(SCRIPT), "/logs?q=" + quote(IMAGE), "/metrics?q=" + quote(IMAGE),
        "/runbooks/" + quote(IMAGE, safe=""), "/practice/" + quote(IMAGE, safe=""), "/faults?q=" + quote(SCRIPT),
        "/trace/" + quote(IMAGE, safe=""),
    ],
)  # fmt: skip
def test_what_a_link_brings_is_not_run(console: Console, page: Page, path: str) -> None:
    console.open(page, path)
    expect(page.locator("#main h1").first).to_be_visible(timeout=SOON)


def test_a_pin_that_holds_markup_shows_it_as_text(console: Console, page: Page) -> None:
    console.open(page, "/practice")
    page.evaluate(
        """async text => {
          const { pinList } = await import('/static/notebook.js');
          const url = 'javascript:window.broken = 1';
          const pins = [{ kind: 'log', title: text, text, query: text, note: text, url }];
          document.getElementById('main').replaceChildren(pinList(pins, {}));
        }""",
        IMAGE,
    )

    expect(page.locator(".pins .pin-title")).to_contain_text(IMAGE)
    assert page.locator(".pins a").count() == 0


def test_a_rendered_document_keeps_only_what_a_document_needs(console: Console, browser: Browser) -> None:
    page = browser.new_page()  # one of its own: that the policy refuses the handlers stands on the console
    console.open(page, "/runbooks")
    left = page.evaluate(
        """async html => {
          const { rendered } = await import('/static/rendered.js');
          const place = document.createElement('div');
          place.append(rendered(html));
          return place.innerHTML;
        }""",
        f'<p onclick="window.broken = 1" style="color: red">a {IMAGE}{SCRIPT}<a href="javascript:alert(1)">b</a>'
        '<a href="/runbooks/X">c</a></p><iframe src="/"></iframe>',
    )

    page.close()
    assert left == '<p>a b<a href="/runbooks/X">c</a></p>'


def _text(key: str, value: str) -> dict[str, object]:
    return {"key": key, "value": {"stringValue": value}}


def _post(console: Console, signal: str, body: dict[str, object]) -> None:
    answer = httpx.post(f"{console.system.place.url('telemetry_store_otlp')}/v1/{signal}", json=body, trust_env=False)
    assert answer.status_code == httpx.codes.OK, answer.text
