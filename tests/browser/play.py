"""What a player does at the practice desk, by mouse and by keyboard, and what the lab answers meanwhile."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, dropwhile
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Response

from lab.drills.choose import choose
from lab.faults.catalogue import ROWS

_MOST_TABS = 250
_DRILL = re.compile(r"(?<=^/api/drills/)[0-9a-f]{8}$")
# What differs between two drills by right: when, what the player chose or did, and what telemetry says.
_OWN = {
    "id", "seed", "started_at", "ends_at", "seconds", "opening", "state", "drill", "last", "next", "player", "started",
    "ended", "pins",
}  # fmt: skip
_TELEMETRY = ("/tempo/", "/loki/", "/prometheus/", "/alertmanager/", "/api/alerts", "/api/deployments", "/static/")


def seed_of(fault: str, level: int = 1) -> int:
    """The first seed whose drill comes as a release and holds this fault."""
    return next(
        seed
        for seed in count()
        if (drill := choose(ROWS, seed, level)).release and any(cause.fault == fault for cause in drill.causes)
    )


def tab_to(page: Page, target: Locator, most: int = _MOST_TABS) -> None:
    """Press Tab until the target has the focus, as somebody without a mouse does."""
    for _ in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached with {most} presses of Tab: {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Go there by Tab and press a key."""
    tab_to(page, target)
    page.keyboard.press(key)


def type_into(page: Page, target: Locator, text: str) -> None:
    """Go there by Tab and type; a list box takes the entry that begins so."""
    tab_to(page, target)
    page.keyboard.type(text)


# What a page of the console may ask the lab while a drill runs, whoever hides what.
_QUESTIONS = (
    "/api/state", "/api/faults", "/api/drills", "/api/drills/choices", "/api/drills/now", "/api/notebook",
    "/api/gameday", "/api/slo", "/api/runbooks",
)  # fmt: skip


def look_everywhere(page: Page) -> None:
    """Ask the lab, from the page, all that can be asked of it."""
    page.evaluate("paths => Promise.all(paths.map(path => fetch(path).then(answer => answer.text())))", _QUESTIONS)


@dataclass
class Overheard:
    """What the lab's own API answers a page from a drill's start on: masked, by method and path."""

    answers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @contextmanager
    def listening(self, page: Page) -> Iterator[None]:
        responses: list[Response] = []

        def hear(response: Response) -> None:
            responses.append(response)

        page.on("response", hear)
        try:
            yield
        finally:
            page.remove_listener("response", hear)
        for response in dropwhile(lambda each: not _begins(each), responses):
            path = urlsplit(response.url).path
            if path.startswith("/api/") and not path.startswith(_TELEMETRY):
                call = f"{response.request.method} {_DRILL.sub('ID', path)}"
                self.answers[call].add(f"{response.status} {_said(response)}")


def _begins(response: Response) -> bool:
    """Whether it answers that a drill begins: what came before was said of none."""
    return response.request.method == "POST" and urlsplit(response.url).path == "/api/drills"


def _said(response: Response) -> str:
    if "json" not in response.headers.get("content-type", ""):
        return response.text()
    found = response.json()
    if "drills" in found:
        # Drills that have ended may be told of.
        found = [row for row in found["drills"] if row["state"] == "running"]
    return json.dumps(masked(found), sort_keys=True)


def masked(value: Any) -> Any:
    """A document without times, the player's own choices and the opening, which telemetry or a complaint is."""
    if isinstance(value, dict):
        return {name: "…" if name in _OWN else masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    return re.sub(r"\d+(\.\d+)?", "#", value) if isinstance(value, str) else value
