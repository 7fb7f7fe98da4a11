"""Game days can be played and are as long as their page says; the glossary is in order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.gameday.script import read
from tests.contract.source import ROOT

GAME_DAYS = sorted((ROOT / "docs" / "game-days").glob("*.yaml"))


@pytest.mark.parametrize("path", GAME_DAYS, ids=lambda path: path.stem)
def test_a_game_day_can_be_played_and_is_as_long_as_its_page_says(path: Path) -> None:
    script = read(path)
    page = (ROOT / "docs" / "game-day.md").read_text()
    row = next(line for line in page.splitlines() if f"game-days/{path.name})" in line and line.startswith("|"))
    assert f"{script.seconds / 60:.0f} minutes" in row
    assert all(step.seconds >= 60 for step in script.steps)


def test_there_are_two_game_days_to_begin_with() -> None:
    assert len(GAME_DAYS) >= 2


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = [row for row in rows if row not in ("word", "---")]
    assert len(words) > 40
    assert words == sorted(words, key=str.lower)
    assert len({*words}) == len(words)
