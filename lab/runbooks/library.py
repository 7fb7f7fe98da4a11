"""Where the runbooks and the pages about kinds of faults lie."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.place import LabError
from lab.runbooks.markdown import html_of, plain, tokens_of
from lab.runbooks.model import Runbook
from lab.runbooks.parse import parse, split

DOCS = Path(__file__).resolve().parents[2] / "docs"
RUNBOOKS, KINDS = DOCS / "runbooks", DOCS / "faults"


def names() -> list[str]:
    """Every alert that has a runbook."""
    return sorted(path.stem for path in RUNBOOKS.glob("*.md"))


def load(alert: str) -> Runbook:
    """The runbook of an alert. Raises LabError for an alert that has none, RunbookError for one that is broken."""
    if alert not in names():
        raise LabError(f"There is no runbook {alert!r}.", "`faultline runbook` lists them.")
    path = RUNBOOKS / f"{alert}.md"
    return _parsed(path, path.stat().st_mtime_ns)


def kinds() -> list[str]:
    """Every page about a kind of fault."""
    return sorted(path.stem for path in KINDS.glob("*.md"))


def page_of(kind: str) -> str:
    """The page's name of a kind.

    >>> page_of("CPU contention"), page_of("training-serving skew")
    ('cpu-contention', 'training-serving-skew')
    """
    return re.sub(r"[^a-z0-9]+", "-", kind.lower())


def kind_page(page: str) -> dict[str, Any]:
    """A kind's page, rendered: title and sections. Raises LabError for one that is not there."""
    if page not in kinds():
        raise LabError(f"There is no page about {page!r}.", f"There are {', '.join(kinds())}.")
    tokens = tokens_of((KINDS / f"{page}.md").read_text())
    sections = [{"title": title, "html": html_of(part)} for title, part in split(tokens, "h2")]
    return {"name": page, "title": plain(tokens[1]), "sections": sections}


@lru_cache(maxsize=64)
def _parsed(path: Path, _changed: int) -> Runbook:
    return parse(path.stem, path.read_text())
