"""What the runbooks pointed to on a recorded tour, as docs/runbooks.json keeps it."""

from __future__ import annotations

import json

import pytest

from lab.runbooks import load, names
from lab.runbooks.library import DOCS
from lab.runbooks.pairs import Pair
from lab.runbooks.report import REASONS, markdown

PAIRS = {(book.alert, fault) for book in map(load, names()) for fault in (*book.causes, *book.also)}


def recorded() -> list[Pair]:
    rows = json.loads((DOCS / "runbooks.json").read_text())
    return [Pair(**{key: value for key, value in row.items() if key != "right"}) for row in rows]


def test_the_page_is_what_is_generated() -> None:
    assert (DOCS / "runbooks.md").read_text() == markdown(recorded()), "run python -m lab.runbooks.check"


def test_every_pair_points_to_its_kind_or_has_its_reason() -> None:
    wrong = {(each.alert, each.fault) for each in recorded() if each.fault and not each.right}
    assert wrong <= set(REASONS)
    assert set(REASONS) <= PAIRS
    assert len(REASONS) < len(PAIRS) / 10


@pytest.mark.complete
def test_every_pair_was_asked() -> None:
    assert PAIRS - {(each.alert, each.fault) for each in recorded()} == set()


def test_nothing_is_pointed_to_on_the_healthy_system() -> None:
    assert [each for each in recorded() if not each.fault and each.pointed] == []
