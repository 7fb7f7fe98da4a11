"""A player's rounds at the practice desk: by mouse, and by keyboard alone; and neither page is told what is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_no_sideways_scroll
from tests.browser.harness import Console
from tests.browser.play import Overheard, look_everywhere, press, seed_of, tab_to, type_into

pytestmark = pytest.mark.timeout(300)

SOON = 60_000  # ms: the healthy minute is read, an answer worked out, on a busy machine
PATIENCE_S = "4"  # a complaint serves as well as the alert that needs a minute
FAILING_PHOTOS = '{ resource.service.name = "cv_model" && status = error }'
REFUSED = '{ resource.service.name = "gateway" && span.http.response.status_code = 429 }'


@pytest.fixture(scope="module")
def heard() -> dict[str, Overheard]:
    """What the lab told the page in each drill."""
    return {}


@pytest.fixture(autouse=True)
def _no_drill_is_left(console: Console) -> Iterator[None]:
    yield
    console.post("/api/drills/now/give-up", {})  # refused where none runs


def test_a_drill_by_mouse_alone_from_start_to_marks(console: Console, page: Page, heard: dict[str, Overheard]) -> None:
    touched(page, "keydown")
    console.open(page, f"/practice?level=1&seed={seed_of('corrupt-photo')}&patience={PATIENCE_S}")
    heard["corrupt-photo"] = Overheard()
    with heard["corrupt-photo"].listening(page):
        page.get_by_role("button", name="Start the drill").click()
        expect(page.get_by_role("heading", name="Drill, level 1")).to_be_visible(timeout=SOON)
        expect(page.get_by_label("What opened it")).to_contain_text(re.compile("Alert|complaint"), timeout=SOON)
        look_everywhere(page)
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"\d:\d\d"))
    assert_accessible(page)
    assert_no_sideways_scroll(page)

    page.get_by_role("link", name="Faults").click()
    expect(page.locator(".empty")).to_contain_text("The fault board is closed")
    page.get_by_role("link", name="To the drill").first.click()
    pin_one_of_each_sort(console, page)
    page.get_by_role("link", name="To the drill").click()
    expect(page.locator(".pins .badge")).to_have_text(["Trace", "Span", "Log line", "Chart"])
    page.get_by_role("button", name="Use as evidence").first.click()
    cause = page.get_by_role("group", name="Cause 1")
    cause.get_by_label("Service").select_option("cv_model")
    cause.get_by_label("Operation").select_option("decode_photo")
    cause.get_by_label("Kind").select_option("bad input")
    page.get_by_role("button", name="Answer", exact=True).click()

    expect(page.get_by_role("heading", name="100 of 100 marks")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("heading", name="bad input in cv_model")).to_be_visible()
    expect(page.get_by_role("heading", name="The critical path of your evidence")).to_be_visible(timeout=SOON)
    assert_accessible(page)
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("The last release was rolled back.")).to_be_visible(timeout=2 * SOON)
    expect(page.get_by_text(re.compile(r"Recovery: [1-9]"))).to_be_visible()
    assert_no_sideways_scroll(page)
    assert not touched(page), "no key was pressed"


def pin_one_of_each_sort(console: Console, page: Page) -> None:
    """A trace with an error, its root span, a line of that, and a chart; each by its Pin button."""
    page.get_by_role("navigation", name="Where to look").get_by_role("link", name="Traces").click()
    page.get_by_role("button", name="Errors", exact=True).click()
    expect(page.locator("a.row-link").first).to_be_visible(timeout=SOON)
    # A colleague sends the link to a query that is narrower: a busy machine has other errors, too.
    console.open(page, f"/traces?q={quote(FAILING_PHOTOS)}")
    page.locator("a.row-link").first.click()
    span = page.get_by_label("The selected span")
    line = span.locator("details.log").first
    line.locator("summary").click(timeout=SOON)
    pins = (page.locator(".head"), span.locator(".detail-head"), line)
    for number, place in enumerate(pins, 1):
        place.get_by_role("button", name="Pin").click()
        expect(page.locator(".toast")).to_contain_text(f"({number} in the notebook)")
    page.get_by_role("link", name="Metrics", exact=True).click()
    page.get_by_role("button", name="Predictions by outcome").click()
    page.get_by_role("button", name="Pin").click(timeout=SOON)
    expect(page.locator(".toast")).to_contain_text("(4 in the notebook)")


def touched(page: Page, event: str = "") -> bool:
    """Whether such an event came since it was named, on any document of the page."""
    if event:
        page.add_init_script(f"addEventListener('{event}', () => {{ sessionStorage.touched = 'yes'; }}, true)")
        return False
    return bool(page.evaluate("sessionStorage.touched === 'yes'"))


def test_a_drill_by_keyboard_alone(console: Console, page: Page, heard: dict[str, Overheard]) -> None:
    touched(page, "pointerdown")
    console.open(page, "/practice")
    type_into(page, page.get_by_label("Seed"), str(seed_of("over-shedding")))
    tab_to(page, page.get_by_label("Wait for an alert"))
    page.keyboard.press("Control+a")
    page.keyboard.type(PATIENCE_S)
    heard["over-shedding"] = Overheard()
    with heard["over-shedding"].listening(page):
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Drill, level 1")).to_be_focused(timeout=SOON)
        expect(page.get_by_label("What opened it")).to_contain_text(re.compile("Alert|complaint"), timeout=SOON)
        look_everywhere(page)

    press(page, page.get_by_role("button", name="Take hint 1"))
    expect(page.locator(".hints li")).to_have_count(1, timeout=SOON)
    press(page, page.get_by_role("navigation", name="Where to look").get_by_role("link", name="Traces"))
    expect(page.get_by_role("combobox", name="TraceQL")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.press("Control+a")
    page.keyboard.type(REFUSED)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("429"))
    expect(page.locator(".results[aria-busy]")).to_have_count(0, timeout=SOON)
    press(page, page.locator("a.row-link").first)
    press(page, page.locator(".head").get_by_role("button", name="Pin"))
    expect(page.locator(".toast")).to_contain_text("Pinned")
    press(page, page.get_by_role("link", name="To the drill"))
    press(page, page.get_by_role("button", name="Use as evidence"))
    cause = page.get_by_role("group", name="Cause 1")
    type_into(page, cause.get_by_label("Service"), "gateway")
    type_into(page, cause.get_by_label("Operation"), "admission")
    type_into(page, cause.get_by_label("Kind"), "rate")
    press(page, page.get_by_role("button", name="Answer", exact=True))

    # One hint was taken.
    expect(page.get_by_role("heading", name="92 of 100 marks")).to_be_focused(timeout=SOON)
    press(page, page.get_by_role("button", name="End the drill"))
    expect(page.get_by_role("heading", name="92 of 100 marks")).to_be_focused(timeout=SOON)
    expect(page.get_by_text("You ended it without acting.")).to_be_visible()
    press(page, page.get_by_role("link", name="Practice again"))
    newest = page.get_by_role("group", name="History, table").get_by_role("row").nth(1)
    expect(newest.get_by_role("cell", name="92", exact=True)).to_be_visible()
    expect(page.get_by_role("group", name="Report card, table")).to_be_visible()
    assert not touched(page), "the pointer was not used"


@pytest.mark.usefixtures("page")  # what the drills use, so that pytest keeps it after them
def test_the_lab_tells_the_same_of_two_hidden_faults(heard: dict[str, Overheard]) -> None:
    assert set(heard) == {"corrupt-photo", "over-shedding"}, "both drills were played"
    one, other = (each.answers for each in heard.values())

    assert one == other
    assert "GET /api/drills/now" in one
    assert "GET /api/faults" in one


def test_a_runbook_is_run_where_it_stands(console: Console, page: Page) -> None:
    console.open(page, "/runbooks")
    page.locator("a.card-link").first.click()
    page.get_by_role("button", name="Run all steps").click()

    steps = page.locator(".step")
    expect(page.locator(".step-result .judged")).to_have_count(steps.count(), timeout=SOON)
    expect(page.locator(".step-result .judged strong").first).to_have_text(re.compile("Holds|Does not hold"))
    expect(page.locator("[data-section='Decision table'] .judged")).to_contain_text("point to")
    expect(page.locator(".outcome")).to_contain_text("The results point to")
    page.get_by_role("button", name="Show the row").click()
    expect(page.locator("[data-section='Decision table'] .judged")).to_be_in_viewport()


def test_the_fault_board_starts_shows_and_ends_a_fault(console: Console, page: Page) -> None:
    console.open(page, "/faults")
    expect(page.locator("details.fault")).to_have_count(48)
    page.get_by_label("Show").fill("far-hop")
    page.locator("details.fault[data-fault='far-hop'] > summary").click()
    form = page.locator("details.fault[data-fault='far-hop'] form")
    form.get_by_label("Place").select_option("cv_model")
    form.get_by_label("Intensity").fill("0.4")
    form.get_by_label("Seconds").fill("20")
    form.get_by_role("button", name="Start far-hop").click()

    board = page.get_by_role("region", name="On now")
    expect(board).to_contain_text("far-hop at cv_model", timeout=SOON)
    expect(board).to_contain_text("intensity 0.4")
    expect(board).to_contain_text(re.compile(r"ends in \d+ s"))
    board.get_by_role("button", name="End far-hop").click()
    expect(board).to_contain_text("No fault is on")
