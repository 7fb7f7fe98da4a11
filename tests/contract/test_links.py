"""Every link of README, docs and workshops leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.contract.source import ROOT

MARKDOWN = MarkdownIt("commonmark").enable("table")


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "workshops").rglob("*.md")])]


def links(path: Path) -> Iterator[str]:
    """Targets of links and images, wherever they stand in the text; code is none."""
    for token in MARKDOWN.parse(path.read_text()):
        for child in token.children or ():
            for attribute in ("href", "src"):
                if target := child.attrs.get(attribute):
                    yield unquote(str(target))


@cache
def anchors(path: Path) -> frozenset[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    tokens = MARKDOWN.parse(path.read_text())
    titles = [_text(tokens[i + 1]) for i, token in enumerate(tokens) if token.type == "heading_open"]
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def _text(heading: Token) -> str:
    return "".join(child.content for child in heading.children or ())


def broken(path: Path) -> list[str]:
    return [target for target in links(path) if not urlsplit(target).scheme and not _leads(path, urlsplit(target))]


def _leads(path: Path, parts: SplitResult) -> bool:
    to = (path.parent / parts.path).resolve() if parts.path else path
    if not to.exists() or not to.is_relative_to(ROOT):
        return False
    return not parts.fragment or to.suffix != ".md" or parts.fragment in anchors(to)


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_a_broken_link_and_a_broken_anchor_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.contract.test_links.ROOT", tmp_path)
    (tmp_path / "a.md").write_text("# One\n\n[b](b.md) [c](#two) [d](#one) [e](https://example.org/) `[f](g.md)`\n")
    assert broken(tmp_path / "a.md") == ["b.md", "#two"]
