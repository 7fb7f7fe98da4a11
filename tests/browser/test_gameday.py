"""A game day in the browser: who plays sees time and board, answers, and is told nothing of what comes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lab.campaign.truth import truth_of
from lab.faults.catalogue import ROWS
from tests.browser.accessibility import assert_accessible
from tests.browser.harness import Console

FAULT = "far-hop"
TITLE = "Friday afternoon"
SOON = 20_000


@pytest.fixture
def token(console: Console, tmp_path: Path) -> Iterator[str]:
    """A game day is being played; the instructor's token. Whoever holds the lab's own plays as ``player``."""
    script = tmp_path / "day.yaml"  # JSON is YAML
    faults = [{"at": 0, "fault": FAULT, "intensity": 0.2, "for": 120}]
    script.write_text(json.dumps({"title": TITLE, "players": ["player", "ben"], "faults": faults}))
    place = console.system.place
    environment = {**os.environ, **place.variables, "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "lab", "gameday", "run", str(script)]
    runner = subprocess.Popen(words, env=environment, cwd=place.root, stdout=subprocess.PIPE, text=True)
    try:
        assert runner.stdout
        said = runner.stdout.readline()
        assert "token" in said, said
        yield said.split()[-1]
    finally:
        runner.send_signal(signal.SIGINT)  # ends the fault, too, where the day still runs
        runner.wait(20)


def test_players_see_the_board_and_the_instructor_alone_the_answers(console: Console, page: Page, token: str) -> None:
    truth = truth_of(ROWS[FAULT])
    console.open(page, "/gameday")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE, timeout=SOON)
    expect(page.locator(".timeline")).to_contain_text(re.compile(r"Running.*0:\d\d of 2:00"))
    board = page.get_by_role("region", name="Scoreboard")
    expect(board).to_contain_text("Nobody of 2 players has answered yet.")

    cause = page.get_by_role("group", name="Cause")
    cause.get_by_label("Service").select_option(truth.services[0])
    cause.get_by_label("Operation").select_option(truth.operations[-1])
    cause.get_by_label("Kind").select_option(truth.kinds[0])
    page.get_by_role("button", name="Answer", exact=True).click()
    mine = board.get_by_role("row").filter(has_text="player").filter(has_not_text="marks")
    expect(mine.get_by_role("cell")).to_have_text([re.compile(r"\d\."), "0", "1"], timeout=SOON)
    assert_accessible(page)
    expect(page.locator("body")).not_to_contain_text(FAULT)
    for path in ("/api/gameday", "/api/state", "/api/alerts", "/api/faults"):
        assert FAULT not in console.system.http.get(f"{console.url}{path}", headers=console.credentials).text

    assert console.system.cli("gameday", "answers", "--token", console.token).returncode != 0
    ended = console.system.cli("gameday", "control", "abort", "--token", token)
    assert ended.returncode == 0, ended.stderr
    expect(page.locator(".timeline")).to_contain_text("Ended", timeout=SOON)
    expect(mine.get_by_role("cell").nth(1)).to_have_text("80")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    expect(page.locator(".report")).to_contain_text(f"{FAULT} began")
