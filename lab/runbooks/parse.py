"""A runbook's text as a Runbook. What it has to look like is told in docs/runbooks.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import yaml
from markdown_it.token import Token

from lab.place import LabError
from lab.runbooks.markdown import html_of, plain, tokens_of
from lab.runbooks.model import LANGUAGES, SECTIONS, Branch, Runbook, Section, Step, expectation

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FIELDS = {"alert", "severity", "slo", "causes", "dashboards"}
_OPTIONAL = {"also"}
_PAGE = "/runbooks/kinds/"
_EVIDENCE_COLUMNS = 3


class RunbookError(LabError):
    """A runbook that cannot be read: what is wrong, and where."""


def parse(name: str, text: str) -> Runbook:
    """Raises RunbookError for a page that lacks a part or whose table names an unknown step."""
    front = _FRONT_MATTER.match(text)
    if not front:
        raise RunbookError(f"{name}: no front matter.")
    values, body = yaml.safe_load(front[1]), text[front.end() :]
    if set(values) - _OPTIONAL != _FIELDS:
        raise RunbookError(f"{name}: the front matter has {sorted(values)}, not {sorted(_FIELDS)}.")
    sections = dict(split(tokens_of(body), "h2"))
    if tuple(sections) != SECTIONS:
        raise RunbookError(f"{name}: the headings are {', '.join(sections)}; they have to be {', '.join(SECTIONS)}.")
    steps = tuple(_steps(name, sections["Diagnosis"]))
    columns, table = _table(name, sections["Decision table"], {step.name for step in steps})
    sources = (each.partition("\n")[2].strip() for each in re.split(r"^## ", body, flags=re.MULTILINE)[1:])
    shown = tuple(
        Section(title, source, _text(part), html_of(part))
        for (title, part), source in zip(sections.items(), sources, strict=True)
    )
    return Runbook(values["alert"], values, shown, steps, table, columns)


def split(tokens: Sequence[Token], tag: str) -> Iterator[tuple[str, list[Token]]]:
    """(heading, what stands below it) for each heading of a level."""
    starts = [index for index, token in enumerate(tokens) if token.type == "heading_open" and token.tag == tag]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        yield plain(tokens[start + 1]), list(tokens[start + 3 : end])


def _steps(name: str, tokens: Sequence[Token]) -> Iterator[Step]:
    for position, (heading, part) in enumerate(split(tokens, "h3"), 1):
        where = f"{name}, step {heading!r}"
        number, _, step_name = heading.partition(". ")
        if number != str(position):
            raise RunbookError(f"{where}: its number has to be {position}.")
        fences = [index for index, token in enumerate(part) if token.type == "fence"]
        if len(fences) != 1:
            raise RunbookError(f"{where}: it has {len(fences)} query blocks, not one.")
        fence = part[fences[0]]
        language = next((each for each in LANGUAGES if each == fence.info.strip()), None)
        if language is None:
            raise RunbookError(f"{where}: its language is {fence.info!r}, not one of {', '.join(LANGUAGES)}.")
        below = _text(part[fences[0] + 1 :])
        expect = expectation(below)
        if expect is None:
            raise RunbookError(f"{where}: no sentence says when it holds (`Holds if any value > 0.1.`).")
        question = _text(part[: fences[0]])
        yield Step(position, step_name, question, language, fence.content.strip(), expect, below)


def _table(name: str, tokens: Sequence[Token], known: set[str]) -> tuple[tuple[str, ...], tuple[Branch, ...]]:
    head, *rows = _rows(tokens)
    branches = tuple(_branch(name, row) for row in rows)
    unknown = {step for row in branches for step in (*row.holds, *row.fails)} - known
    if unknown:
        raise RunbookError(f"{name}: the decision table names unknown steps: {', '.join(sorted(unknown))}.")
    return tuple(plain(cell) for cell in head), branches


def _branch(name: str, cells: Sequence[Token]) -> Branch:
    holds, fails, kind, *rest = cells
    links = [str(each.attrs["href"]) for each in kind.children or () if each.type == "link_open"]
    if len(links) != 1 or not links[0].startswith(_PAGE):
        raise RunbookError(f"{name}: a row of the decision table leads to {links or 'nothing'}, not to one fault kind.")
    texts = tuple(plain(cell) for cell in rest)
    return Branch(_codes(holds), _codes(fails), plain(kind), links[0].removeprefix(_PAGE), texts)


def _rows(tokens: Sequence[Token]) -> list[list[Token]]:
    rows: list[list[Token]] = []
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in ("th_open", "td_open"):
            rows[-1].append(token)
    if not rows or len(rows[0]) < _EVIDENCE_COLUMNS:
        raise RunbookError("The decision table needs at least the columns: holds, does not hold, kind.")
    return rows


def _codes(cell: Token) -> tuple[str, ...]:
    return tuple(each.content for each in cell.children or () if each.type == "code_inline")


def _text(tokens: Sequence[Token]) -> str:
    return "\n".join(plain(token) for token in tokens if token.type == "inline")
