"""Each page of docs/extending does what it says: walked through in a temporary copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.source import ROOT

pytestmark = pytest.mark.timeout(600)  # gates start pytest anew: seconds each, minutes where other work takes the cores
PAGES = ROOT / "docs" / "extending"
# A page, and the one that it goes on from.
WALKS = [("fault", "drill"), ("alert", "runbook"), ("model",), ("service",)]
STEP = re.compile(
    r"^New file `(?P<new>[^`]+)`:$|^In `(?P<file>[^`]+)`, (?P<where>before|after) `(?P<line>[^`]+)`:$"
    r"|^In `(?P<changed>[^`]+)`, `(?P<old>[^`]+)` becomes `(?P<into>[^`]+)`\.$|^(?P<run>Run):$"
)
FENCE = re.compile(r"^(`{3,})\w*$")


@dataclass(frozen=True)
class Step:
    """One instruction of a page, with the block below it."""

    words: dict[str, str | None]
    block: str


def steps(page: str) -> Iterator[Step]:
    lines = (PAGES / f"{page}.md").read_text().splitlines()
    for number, line in enumerate(lines):
        if found := STEP.match(line):
            yield Step(found.groupdict(), "" if found["changed"] else block_below(lines, number + 1))


def block_below(lines: list[str], start: int) -> str:
    """The fenced block that follows a line, blank lines between."""
    opening = next(number for number in range(start, len(lines)) if lines[number])
    fence = FENCE.match(lines[opening])
    assert fence, f"no block below {lines[start - 1]!r}"
    end = lines.index(fence[1], opening + 1)
    return "".join(f"{line}\n" for line in lines[opening + 1 : end])


def take(step: Step, copy: Path) -> None:
    words = step.words
    if words["new"]:
        path = copy / words["new"]
        assert not path.exists(), f"{path} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.block)
    elif words["file"] and words["line"]:
        path = copy / words["file"]
        lines = path.read_text().splitlines(keepends=True)
        place = lines.index(words["line"] + "\n") + (words["where"] == "after")
        path.write_text("".join([*lines[:place], step.block, *lines[place:]]))
    elif words["changed"] and words["old"] and words["into"]:
        path = copy / words["changed"]
        text = path.read_text()
        assert text.count(words["old"]) == 1
        path.write_text(text.replace(words["old"], words["into"]))
    else:
        run(step.block, copy)


def run(block: str, copy: Path) -> None:
    """The block's commands, with this environment's programs and the copy's code."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout[-3000:]}\n{done.stderr[-1500:]}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Every file of the checkout that git does not ignore, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = tmp_path / "copy" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    return tmp_path / "copy"


@pytest.mark.parametrize("pages", WALKS, ids="-".join)
def test_the_list_can_be_followed_and_its_gate_passes(pages: tuple[str, ...], copy: Path) -> None:
    for page in pages:
        taken = list(steps(page))
        assert any(step.words["run"] for step in taken), "a page without a gate"
        for step in taken:
            take(step, copy)


def test_adding_a_fault_takes_one_new_file_and_one_catalogue_entry() -> None:
    files = [(step.words["new"], step.words["file"]) for step in steps("fault") if not step.words["run"]]
    assert [new for new, _ in files if new] == ["chassis/faults/cut_text.py"]
    assert [file for _, file in files if file] == ["lab/faults/catalogue/models.py"]


def test_the_gate_of_a_fault_refuses_one_that_is_left_half_done(copy: Path) -> None:
    """A file without an entry, that is: the walk above would mean nothing if the gate let anything through."""
    new = next(step for step in steps("fault") if step.words["new"])
    gate = next(step for step in steps("fault") if step.words["run"])
    take(new, copy)
    with pytest.raises(AssertionError, match="test_every_kind_is_in_the_catalogue"):
        run(gate.block, copy)


def test_every_page_is_walked_and_listed() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
    assert pages == {page for walk in WALKS for page in walk}
    assert all(f"({page}.md)" in (PAGES / "README.md").read_text() for page in pages)
