"""A browser, a page that may do nothing wrong, and the console of the stack that system tests use, with traffic."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.harness import HEIGHT, WIDTH, Console, Watch, launch
from tests.system.harness import System

FOLDER = Path(__file__).parent
RATE = 4.0
LONGEST_S = 1_800  # traffic ends by itself, should this process be killed
expect.set_options(timeout=15_000)  # ms; a busy machine draws late


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="package")  # no longer: while it runs, so does an event loop, and other tests run their own
def browser() -> Iterator[Browser]:
    with launch() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a new profile. It fails at an error on its console and at a request to another machine."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    opened, watch = context.new_page(), Watch()
    watch.over(opened)
    yield opened
    context.close()
    watch.assert_clean()


@pytest.fixture(scope="package")
def console(system: System) -> Iterator[Console]:
    """The console, while people use the marketplace."""
    environment = {**os.environ, **system.place.variables}
    words = [sys.executable, "-m", "lab", "load", "--rate", f"{RATE:g}", "--duration", str(LONGEST_S), "--json"]
    traffic = subprocess.Popen(words, env=environment, cwd=system.place.root, stdout=subprocess.DEVNULL)
    try:
        yield Console(system)
    finally:
        traffic.terminate()
        traffic.wait(30)


@pytest.fixture(scope="package")
def traces(console: Console) -> tuple[str, str]:
    """Two whole traces of predictions."""
    first, second = (console.system.predict()["trace_id"] for _ in range(2))
    for trace_id in (first, second):
        console.system.trace(trace_id)
    return first, second
