"""Markdown as tokens and as safe HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def tokens_of(text: str) -> list[Token]:
    """Tokens with the links of the rendered page: of a runbook, of a kind of fault, or as they were."""
    tokens = _MARKDOWN.parse(text)
    for token in _every(tokens):
        token.attrs.pop("style", None)  # of aligned cells; the page's policy allows none
        if token.type == "link_open":
            token.attrs["href"] = page_link(str(token.attrs["href"]))
    return tokens


def html_of(tokens: Sequence[Token]) -> str:
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def plain(token: Token) -> str:
    """The text of a paragraph, heading or cell, without marks."""
    return "".join(" " if each.type == "softbreak" else each.content for each in token.children or ())


def page_link(href: str) -> str:
    """Where a document's link leads on a page.

    >>> page_link("../faults/queueing.md"), page_link("RedisSlow.md"), page_link("../slo.md")
    ('/runbooks/kinds/queueing', '/runbooks/RedisSlow', '../slo.md')
    """
    path = urlsplit(href).path
    if urlsplit(href).scheme or not path.endswith(".md"):
        return href
    folder, _, name = path.removesuffix(".md").rpartition("/")
    known = {"../faults": "/runbooks/kinds/", "": "/runbooks/", "../runbooks": "/runbooks/"}
    return f"{known[folder]}{name}" if folder in known else href


def _every(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()
