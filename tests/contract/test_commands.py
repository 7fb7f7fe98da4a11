"""Whatever a page tells people to type exists: commands with their options, targets of make, modules."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from lab.cli import build_app
from tests.contract.source import ROOT
from tests.contract.test_links import MARKDOWN, pages

# A command begins a line or stands after what joins two; a comment, a pipe or another command ends it.
COMMAND = re.compile(r"(?:^|[|;&(]\s*)((?:faultline|make|(?:\.venv/bin/)?python -m) [^|;&()#]*)")
GROUPS = {"faultline", "faultline faults", "faultline drill"}  # said of all its commands: `faultline faults …`


def code(path: Path) -> Iterator[str]:
    """Lines of a page's blocks, and what stands as code in its text."""
    for token in MARKDOWN.parse(path.read_text()):
        yield from token.content.splitlines() if token.type == "fence" else ()
        yield from (child.content for child in token.children or () if child.type == "code_inline")


@cache
def commands() -> frozenset[str]:
    return frozenset(found.strip() for path in pages() for line in code(path) for found in COMMAND.findall(line))


def typed(program: str) -> list[str]:
    return sorted(line for line in commands() if line.split()[0].rpartition("/")[2] == program)


@pytest.mark.parametrize("line", typed("faultline"))
def test_a_command_exists_with_its_options(line: str) -> None:
    command: Any = typer.main.get_command(build_app())
    words = shlex.split(line)[1:]
    while groups := getattr(command, "commands", None):
        if words[:1] in ([], ["…"]):
            assert line.removesuffix(" …") in GROUPS
            return
        assert words[0] in groups, line
        command = groups[words.pop(0)]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= {*known, "--help"}


@pytest.mark.parametrize("line", typed("make"))
def test_a_target_exists(line: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word for word in line.split()[1:] if "=" not in word} <= targets


@pytest.mark.parametrize("line", typed("python"))
def test_a_module_exists(line: str) -> None:
    assert find_spec(line.split()[2]) is not None
