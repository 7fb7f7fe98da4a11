"""``make screenshots``: six views of the running stack for README and documents, showing what is really there.

Wants ``faultline up``. It waits for five minutes of healthy traffic and takes the overview; then it puts a fault on, so
that there is something to see, and plays a drill; both have ended when it has. Some ten minutes in all.
"""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Page, expect

from lab.place import LabError, Place
from lab.stack import is_up
from tests.browser.harness import HEIGHT, WIDTH, Console, launch
from tests.browser.play import seed_of
from tests.system.harness import System

FOLDER = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 150_000
FAULT: dict[str, object] = {"fault": "long-text", "intensity": 0.8, "seconds": 600.0}  # ended sooner, by us
KIND = "oversized input"  # what the runbook has to find in it
SEEN_AFTER_S = 60  # rates over a minute show it whole by then
TALL = {"overview": 1_700, "runbook": 1_000}  # px: down to the drift, to the first step's answer
HEALTHY_S, PATIENCE_S, LOOK_EVERY_S = 300, 900, 15
# Of the last five minutes: in how many seconds somebody asked; shares answered whole, and in time.
ASKED = f"count_over_time((sum(rate(predictions_total[30s])) > 0)[{HEALTHY_S}s:5s]) * 5"
WHOLE = f'sum(rate(predictions_total{{outcome="complete"}}[{HEALTHY_S}s])) / sum(rate(predictions_total[{HEALTHY_S}s]))'
IN_TIME = (
    f'sum(rate(prediction_duration_seconds_bucket{{le="0.1"}}[{HEALTHY_S}s]))'
    f" / sum(rate(prediction_duration_seconds_count[{HEALTHY_S}s]))"
)
ENOUGH_WHOLE, ENOUGH_IN_TIME = 0.999, 0.99
SLOW = '{ resource.service.name = "gateway" && name = "POST /v1/predictions" && duration > 100ms }'
CULPRIT = (
    '{ resource.service.name = "nlp_model" && name = "model_inference" && duration > 40ms'
    ' && trace:rootName = "POST /v1/predictions" && trace:duration > 100ms }'
)
FAILING = '{ resource.service.name = "orchestrator" && status = error }'
SOON_MS = 90_000


def main() -> None:
    place = Place.from_environment()
    if not is_up(place):
        raise LabError("Nothing is running.", "`faultline up` starts it.")
    FOLDER.mkdir(exist_ok=True)
    console = Console(System(place))
    with launch() as browser:
        page = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light").new_page()
        page.set_default_timeout(SOON_MS)
        await_health(console.system)
        overview(console, page)
        keep(page, "overview")
        say(f"{FAULT['fault']} is on; {SEEN_AFTER_S} s until rates show it")
        with fault_on(console):
            time.sleep(SEEN_AFTER_S)
            for name, show in VIEWS.items():
                show(console, page)
                keep(page, name)
        say("a drill, up to its answer: a minute or two")
        try:
            drill(console, page)
            keep(page, "drill")
        finally:
            console.post("/api/drills/now/give-up", {})


def await_health(system: System) -> None:
    """Until the last five minutes were full of traffic and healthy; a busy machine never is, and is taken as it is."""
    until = time.monotonic() + PATIENCE_S
    while True:
        asked, whole, in_time = (latest(system, query) for query in (ASKED, WHOLE, IN_TIME))
        say(
            f"{asked:.0f} of {HEALTHY_S} s of traffic; {whole:.2%} whole (wants {ENOUGH_WHOLE:.1%}),"
            f" {in_time:.2%} within 100 ms (wants {ENOUGH_IN_TIME:.0%})"
        )
        if asked >= HEALTHY_S and whole >= ENOUGH_WHOLE and in_time >= ENOUGH_IN_TIME:
            return
        if time.monotonic() > until:
            if not asked:
                raise LabError("Nobody asks for predictions.", "`make load` sends some.")
            say(f"not healthy within {PATIENCE_S} s: the pictures show it as it is")
            return
        time.sleep(LOOK_EVERY_S)


def latest(system: System, query: str) -> float:
    """The query's value now; 0 where there is none yet."""
    found = system.prometheus(query)
    return found[0].value if found and not math.isnan(found[0].value) else 0.0


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


@contextmanager
def fault_on(console: Console) -> Iterator[None]:
    console.post("/api/faults", FAULT).raise_for_status()
    try:
        yield
    finally:
        console.delete(f"/api/faults/{FAULT['fault']}")


def the_map(console: Console, page: Page) -> None:
    console.open(page, "/")
    page.locator(".node").first.wait_for()


def overview(console: Console, page: Page) -> None:
    console.open(page, "/overview?last=15m")


def traces(console: Console, page: Page) -> None:
    console.open(page, f"/traces?last=5m&q={quote(SLOW)}")
    page.locator("a.row-link").first.wait_for()


def waterfall(console: Console, page: Page) -> None:
    """One in which the fault shows, of the slow ones: a busy machine slows others, too."""
    console.open(page, f"/traces?last=5m&q={quote(CULPRIT)}")
    page.locator("a.row-link").first.click()
    page.locator(".span-detail").wait_for()


def runbook(console: Console, page: Page) -> None:
    console.open(page, "/runbooks/LatencyBudgetBurns")
    page.get_by_role("button", name="Run all steps").click()
    expect(page.locator(".step-result .judged")).to_have_count(page.locator(".step").count(), timeout=SOON_MS)
    expect(page.get_by_role("button", name="Run all steps")).to_be_enabled(timeout=SOON_MS)
    expect(page.locator(".outcome .judged.yes")).to_contain_text(KIND)


def drill(console: Console, page: Page) -> None:
    """A level 1 drill, up to the answer that could be given."""
    console.open(page, "/practice")
    page.get_by_label("Seed").fill(str(seed_of("corrupt-photo")))
    page.get_by_label("Wait for an alert").fill("20")
    page.get_by_role("button", name="Start the drill").click()
    page.get_by_label("What opened it").get_by_text("complaint").or_(page.locator(".page-title")).wait_for()
    page.get_by_role("navigation", name="Where to look").get_by_role("link", name="Traces").click()
    console.search(page, FAILING)
    page.locator("a.row-link").first.click()
    page.locator(".head").get_by_role("button", name="Pin").click()
    page.get_by_role("link", name="To the drill").click()
    page.get_by_role("button", name="Use as evidence").click()
    cause = page.get_by_role("group", name="Cause 1")
    cause.get_by_label("Service").select_option("cv_model")
    cause.get_by_label("Operation").select_option("decode_photo")
    cause.get_by_label("Kind").select_option("bad input")
    page.get_by_label("Note on").fill("decode_photo fails: the photo is cut short")
    page.get_by_role("heading", level=1).click()  # leaves the field, so that the note is kept
    expect(page.locator(".toast")).to_have_count(0, timeout=SOON_MS)
    page.evaluate("window.scrollTo(0, 0)")


VIEWS: dict[str, Callable[[Console, Page], None]] = {
    "map": the_map,
    "traces": traces,
    "waterfall": waterfall,
    "runbook": runbook,
}


def keep(page: Page, name: str) -> None:
    """Photograph the page once it is at rest, in so few colours that it is small."""
    page.set_viewport_size({"width": WIDTH, "height": TALL.get(name, HEIGHT)})
    expect(page.locator("main .loading, main [aria-busy]")).to_have_count(0, timeout=SOON_MS)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32):
        shot.quantize(colours).save(FOLDER / f"{name}.png", optimize=True)
        if (size := (FOLDER / f"{name}.png").stat().st_size) <= MOST_BYTES:
            break
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    say(f"docs/images/{name}.png  {size / 1000:.0f} kB")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"{error} {error.next_step}")
