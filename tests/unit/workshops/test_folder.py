"""A learner's folder: what is copied, what is refused, and that the pages list what is checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli.workshop import app, checked
from lab.place import LabError
from lab.workshops import drift, instrument, trace
from lab.workshops.folder import MARK, NAMES, copy_start, solution_of, start_of, workshop_of
from lab.workshops.output import page

CLAIMS = {
    "instrument": instrument.CLAIMS,
    "drift": (*drift.CLAIMS, *drift.WATCH_CLAIMS),
    "trace": trace.CLAIMS,
}


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_list_every_point_that_is_checked(name: str) -> None:
    text = (start_of(name) / "README.md").read_text().partition("## What is checked")[2]
    assert re.findall(r"^- (.*)$", text, re.MULTILINE) == [claim.name for claim in CLAIMS[name]]


@pytest.mark.parametrize("name", NAMES)
def test_a_start_is_copied_whole_and_without_its_solution(name: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [name, str(tmp_path / "mine")])
    assert done.exit_code == 0
    copied = {path.name: path.read_bytes() for path in (tmp_path / "mine").glob("*.*") if path.name != MARK}
    assert copied.items() >= {path.name: path.read_bytes() for path in start_of(name).glob("*.*")}.items()
    for path in solution_of(name).glob("*.*"):
        assert copied.get(path.name) != path.read_bytes() or path.name in ("model.py",)
    assert workshop_of(tmp_path / "mine") == name


def test_what_a_folder_holds_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(LabError, match="not empty"):
        copy_start("drift", tmp_path)
    with pytest.raises(LabError, match="not empty"):
        copy_start("drift", tmp_path / "thesis.txt")


def test_a_folder_of_no_workshop_is_refused_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no workshop's folder"):
        checked(tmp_path)
    (tmp_path / MARK).write_text("../../etc")
    with pytest.raises(LabError, match="no workshop's folder"):
        checked(tmp_path)


def test_code_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    copy_start("instrument", tmp_path / "mine")
    (tmp_path / "mine/app.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(LabError, match="No module named 'nothing_of_that_name'"):
        checked(tmp_path / "mine")


def test_a_drift_folder_without_its_reference_is_refused(tmp_path: Path) -> None:
    copy_start("drift", tmp_path / "mine")
    with pytest.raises(LabError, match=r"reference\.csv cannot be read"):
        checked(tmp_path / "mine")


@pytest.mark.parametrize("text", ["", "<html>", 'a{b="c} 1', "a b c d"])
def test_a_page_that_is_none_says_so(text: str) -> None:
    assert page(text).problem
