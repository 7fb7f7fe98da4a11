"""The waterfall itself: thousands of spans, the keyboard, what is odd in a trace, and the arithmetic of Python's."""

from __future__ import annotations

import json
import random
import re
import secrets
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from lab.clients.telemetry import Span
from lab.console.pages import STATIC
from lab.critical_path import critical_path, time_by_span
from lab.diagnosis.trace import exclusive_ns
from lab.trace_tree import build_tree
from tests.browser.harness import Console, wide_trace

SPANS = 2_000
MOST_ROWS, LONGEST_TASK_MS = 300, 200
SOON = 20_000
TREES = 200


def test_two_thousand_spans_scroll_without_stutter(
    console: Console, browser: Browser, page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    trace_id = console.keep_trace(SPANS)
    console.open(page, f"/trace/{trace_id}")
    rows = page.get_by_role("treeitem")
    expect(rows.first).to_be_visible(timeout=SOON)
    expect(page.get_by_role("tree")).to_have_attribute("aria-label", f"{SPANS} spans of the trace")
    browser.start_tracing(page=page, categories=["toplevel", "disabled-by-default-devtools.timeline"])
    measured = page.evaluate(SCROLL)
    longest_ms = longest_task_ms(browser.stop_tracing())

    with capsys.disabled():
        print(
            f"\n{SPANS} spans: at most {measured['rows']} rows live; longest task {longest_ms:.0f} ms of its thread's"
            f" time, {measured['task']:.0f} ms by the clock"
        )
    assert 10 < measured["rows"] <= MOST_ROWS
    assert measured["steps"] > 20, "it did not scroll"
    assert 0 < longest_ms <= LONGEST_TASK_MS
    page.get_by_role("tree").press("End")
    expect(page.locator(".span-row.selected")).to_be_in_viewport()


def longest_task_ms(trace: bytes) -> float:
    """The longest task of the page's main thread, in the thread's own time: that other programs of the machine had the
    processor meanwhile is not the page's doing. `trace` is Chromium's, with thread times in µs."""
    events = json.loads(trace)["traceEvents"]
    pages = {(each["pid"], each["tid"]) for each in events if each["args"].get("name") == "CrRendererMain"}
    tasks = (each for each in events if each["name"].endswith("RunTask") and (each["pid"], each["tid"]) in pages)
    return max((float(each.get("tdur", 0)) / 1000 for each in tasks), default=0.0)


# Scrolls to the end and back, two screens each turn. What the browser calls a long task takes 50 ms by the clock.
SCROLL = """async () => {
  let task = 0, rows = 0, steps = 0;
  const longer = entries => { for (const each of entries) task = Math.max(task, each.duration); };
  const seen = new PerformanceObserver(list => longer(list.getEntries()));
  seen.observe({type: 'longtask'});
  const place = document.querySelector('.span-scroller');
  const frame = () => new Promise(requestAnimationFrame);
  for (const by of [1, -1]) {
    for (let before = -1; before !== place.scrollTop; steps += 1) {
      before = place.scrollTop;
      place.scrollTop += by * place.clientHeight * 2;
      await frame();
      await frame();
      rows = Math.max(rows, document.querySelectorAll('[role=treeitem]').length);
    }
  }
  await new Promise(done => setTimeout(done, 300));
  longer(seen.takeRecords());
  return {task, rows, steps};
}"""


def test_keyboard_and_mouse_go_through_the_tree_and_its_time(console: Console, page: Page) -> None:
    trace_id = console.keep_trace(40)
    console.open(page, f"/trace/{trace_id}")
    tree, selected = page.get_by_role("tree"), page.locator(".span-row.selected")
    expect(selected).to_contain_text("step 0", timeout=SOON)
    page.keyboard.press("j")
    expect(selected).to_contain_text("step 1")
    page.keyboard.press("ArrowDown")
    expect(selected).to_contain_text("step 10")
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    expect(selected).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("treeitem")).to_have_count(30)
    page.keyboard.press("ArrowRight")
    expect(selected).to_have_attribute("aria-expanded", "true")
    assert tree.get_attribute("aria-activedescendant") == selected.get_attribute("id")

    page.keyboard.press("/")
    page.keyboard.type("step 3")
    expect(page.locator(".span-tools [role=status]")).to_have_text("11 spans")
    page.keyboard.press("Enter")
    expect(selected).to_contain_text("step 3")
    page.keyboard.press("Escape")
    expect(tree).to_be_focused()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("zoom="))
    near = page.url
    page.keyboard.press("Shift+ArrowRight")
    expect(page).not_to_have_url(near)
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("zoom="))

    overview = page.locator(".trace-map").bounding_box()
    assert overview
    page.mouse.move(overview["x"] + overview["width"] * 0.5, overview["y"] + 20)
    page.mouse.down()
    page.mouse.move(overview["x"] + overview["width"] * 0.75, overview["y"] + 20)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"zoom=20\d{6}-30\d{6}$"))


def test_a_lost_parent_and_a_wrong_clock_are_marked(console: Console, page: Page) -> None:
    trace_id = secrets.token_hex(16)
    body = odd_trace(trace_id)
    url = f"{console.system.place.url('telemetry_store_otlp')}/v1/traces"
    console.system.http.post(url, json=body).raise_for_status()
    console.system.trace(trace_id, until=lambda found: len(found) == 4)
    console.open(page, f"/trace/{trace_id}")

    rows = page.get_by_role("treeitem")
    expect(rows.filter(has_text="no parent")).to_have_count(1, timeout=SOON)
    expect(rows.filter(has_text="clock")).to_contain_text("step 1")
    expect(page.locator(".remarks")).to_contain_text("parent that is not in the trace")
    expect(page.locator(".remarks")).to_contain_text("a clock is wrong")


def odd_trace(trace_id: str) -> dict[str, Any]:
    """Four spans: one of another service that begins a second early, one whose parent was never sent."""
    body: dict[str, Any] = wide_trace(trace_id, 4, time.time_ns())
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    early, orphan = spans[1], spans[3]
    for edge in ("startTimeUnixNano", "endTimeUnixNano"):
        early[edge] = str(int(early[edge]) - 1_000_000_000)
    orphan["parentSpanId"] = "00000000000fffff"
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "nlp_model"}}]}
    body["resourceSpans"].append({"resource": resource, "scopeSpans": [{"spans": [early]}]})
    spans.remove(early)
    return body


def test_critical_path_and_exclusive_time_are_those_of_python(page: Page) -> None:
    """Random trees with overlaps, children that outlive their parents, ties, orphans and circles."""
    trees = [random_spans(random.Random(seed)) for seed in range(TREES)]
    serve_modules(page)
    page.goto("http://127.0.0.1:9/")
    ours = page.evaluate(ARITHMETIC, [[as_row(span) for span in spans] for spans in trees])

    assert ours == [arithmetic(spans) for spans in trees]


ARITHMETIC = """async trees => {
  const {buildTree, rowsOf} = await import('/static/trace_model.js');
  const {criticalPath, exclusive} = await import('/static/critical_path.js');
  return trees.map(spans => {
    const tree = buildTree(spans);
    return {
      rows: rowsOf(tree).map(row => [row.span.id, row.depth, row.orphan]),
      path: criticalPath(tree).map(each => [each.span.id, each.start, each.end]),
      exclusive: spans.map(span => exclusive(span, tree.children.get(span.id) ?? [])),
    };
  });
}"""


def arithmetic(spans: list[Span]) -> dict[str, Any]:
    """What Python makes of the same spans."""
    tree = build_tree(spans)
    path = critical_path(tree)
    assert sum(time_by_span(path).values()) == tree.root.end_ns - tree.root.start_ns
    return {
        "rows": [[row.span.span_id, row.depth, row.orphan] for row in tree.rows()],
        "path": [[each.span.span_id, each.start_ns, each.end_ns] for each in path],
        "exclusive": [exclusive_ns(span, tree.children.get(span.span_id, [])) for span in spans],
    }


def random_spans(dice: random.Random) -> list[Span]:
    count = dice.randint(1, 40)
    spans = []
    for number in range(count):
        parent = dice.randrange(number) if number else -1
        if dice.random() < 0.05:
            parent = dice.randrange(count + 3)  # later, itself, or one that is not there
        start = dice.randrange(60)
        spans.append(
            Span("t", f"s{number}", f"s{parent}" if parent >= 0 else "", "x", "y", "internal", start,
                 start + dice.randrange(60))
        )  # fmt: skip
    return spans


def as_row(span: Span) -> dict[str, Any]:
    return {"id": span.span_id, "parent": span.parent_id, "start": span.start_ns, "end": span.end_ns}


def serve_modules(page: Page) -> None:
    """The console's modules without a console: this test needs no stack."""

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name:
            route.fulfill(body=(STATIC / name).read_text(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")

    page.route("http://127.0.0.1:9/**", answer)
