"""Promises about faults that a reader of the code can check: documentation, who knows of faults, completeness."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from lab.faults.catalogue import ROWS
from lab.tour.record import secret_words
from tests.contract.faults_doc import PATH, document

ROOT = Path(__file__).resolve().parents[2]
TOUR = ROOT / "docs" / "tour.json"


def test_the_documentation_is_generated_from_the_registry() -> None:
    assert PATH.read_text() == document(), "run python -m tests.contract.faults_doc"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "services").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_service_imports_a_fault_or_asks_for_one(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert not [name for name in imported if name.startswith(("chassis.faults", "lab"))]
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not {name for name in names if "fault" in name.lower().replace("default", "")}


def test_only_the_composition_root_knows_of_faults() -> None:
    """Of the chassis, ``service.py`` alone puts the faults onto the control port."""
    knowing = {path.name for path in (ROOT / "chassis").glob("*.py") if "chassis.faults" in path.read_text()}
    assert knowing == {"service.py"}


def test_the_words_that_nobody_may_read_are_all_ids_and_classes() -> None:
    assert {*ROWS} < {*secret_words()}
    assert "NarrowPool" in secret_words()


@pytest.mark.parametrize("folder", ["deploy", "k8s"])
def test_no_container_host_or_variable_is_named_after_a_fault(folder: str) -> None:
    wanted = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, secret_words())) + r")(?![\w-])")
    files = [path for path in (ROOT / folder).rglob("*.yaml") if folder == "k8s" or "compose" in path.name]
    assert files
    assert not {str(path): found for path in files if (found := wanted.findall(path.read_text()))}


def test_the_tours_summary_belongs_to_this_catalogue() -> None:
    """A row that was renamed or whose bound was changed needs another run."""
    for entry in json.loads(TOUR.read_text()):
        row = ROWS[entry["fault"]]
        assert [each["bound"] for each in entry["evidence"]] == [each.rule for each in row.evidence], row.id


@pytest.mark.complete
def test_a_complete_tour_was_made_and_passes() -> None:
    """Wanted by ``make test-all`` alone; names what was not run and what failed."""
    found = {entry["fault"]: entry["problems"] for entry in json.loads(TOUR.read_text())}
    assert not {*ROWS} - {*found}, "not run"
    assert not {fault: problems for fault, problems in found.items() if problems}
