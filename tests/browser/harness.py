"""The console in a browser, as the tests speak of it; and what no page of it may do."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, TimeoutError, sync_playwright

from tests.system.harness import System

WIDTH, HEIGHT = 1280, 800
HERE = ("127.0.0.1", "localhost")
_INSTALLED = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# Chromium drops what it waits for when the machine gets or loses a network, as when a container starts somewhere.
_OTHER_NETWORK = "ERR_NETWORK_CHANGED"
TRIES, STARTS_WITHIN_MS = 3, 15_000
# A refusal that the page asked for and shows is an answer; the browser notes it on its console all the same.
_ANSWERED = re.compile(r"/(api|tempo|loki|prometheus|alertmanager)/")


def chromium() -> str:
    """The browser's program: FAULTLINE_CHROMIUM, or the distribution's, or macOS' own place for it."""
    found = os.environ.get("FAULTLINE_CHROMIUM") or shutil.which("chromium")
    found = found or next((path for path in _INSTALLED if Path(path).exists()), None)
    assert found, "There is no Chromium here: `make setup-test` installs it."
    return found


@contextmanager
def launch() -> Iterator[Browser]:
    """A browser without a window. Playwright's own is never downloaded."""
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What a page did that none may do: errors, and requests to other machines."""

    errors: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        refused = "status of 4" in message.text and _ANSWERED.search(str(message.location.get("url", "")))
        if message.type == "error" and not refused and _OTHER_NETWORK not in message.text:
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about") and address.hostname not in HERE:
            self.abroad.append(request.url)

    def assert_clean(self) -> None:
        assert not self.errors
        assert not self.abroad


@dataclass
class Console:
    """The console of a running stack."""

    system: System

    @property
    def url(self) -> str:
        return self.system.place.url("lab")

    @property
    def token(self) -> str:
        return (self.system.place.secrets_dir / "lab_token").read_text().strip()

    def open(self, page: Page, path: str) -> None:
        """A path of the console, by the link that `faultline up` prints; its header stands when this returns."""
        for _ in range(TRIES):
            page.goto(f"{self.url}{path}#token={self.token}")
            with suppress(TimeoutError):
                page.locator("#header nav").wait_for(timeout=STARTS_WITHIN_MS)
                return
        raise AssertionError(f"{path} shows no header")

    def search(self, page: Page, query: str) -> None:
        """Run a query in the page's query box."""
        box = page.get_by_role("combobox").and_(page.locator("input"))
        box.fill(query)
        box.press("Enter")

    def post(self, path: str, body: dict[str, object]) -> httpx.Response:
        """A changing call, as a script with the token makes it."""
        return self.system.http.post(f"{self.url}{path}", json=body, headers=self.credentials)

    def delete(self, path: str) -> httpx.Response:
        return self.system.http.delete(f"{self.url}{path}", headers=self.credentials)

    @property
    def credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def keep_trace(self, spans: int) -> str:
        """Send a trace of so many spans to the store, a root and calls of three levels; its id once it is there."""
        trace_id = secrets.token_hex(16)
        url = f"{self.system.place.url('telemetry_store_otlp')}/v1/traces"
        self.system.http.post(url, json=wide_trace(trace_id, spans, time.time_ns())).raise_for_status()
        self.system.trace(trace_id, until=lambda found: len(found) == spans)
        return trace_id


def wide_trace(trace_id: str, spans: int, end_ns: int) -> dict[str, object]:
    """An OTLP body: spans of 1 ms each, every one under the tenth part of its number."""
    total, ms = spans + 1, 1_000_000
    start = end_ns - total * ms
    rows = [
        {
            "traceId": trace_id,
            "spanId": f"{number + 1:016x}",
            "parentSpanId": f"{number // 10 + 1:016x}" if number else "",
            "name": f"step {number}",
            "kind": 2 if number == 0 else 1,
            "startTimeUnixNano": str(start + (0 if number < 10 else number * ms)),
            "endTimeUnixNano": str(end_ns if number * 10 < spans else start + (number + 1) * ms),
            "attributes": [{"key": "step.number", "value": {"intValue": str(number)}}],
        }
        for number in range(spans)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "gateway"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": rows}]}]}
