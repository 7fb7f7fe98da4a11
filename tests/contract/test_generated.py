"""`make generate` leaves what is checked in as it is: no generated file was changed by hand or forgotten."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What generators read and write. Copied, not linked: a generator finds its checkout by its own path.
FOLDERS = ("chassis", "deploy", "docs", "k8s", "lab", "marketplace", "services", "telemetry_store", "tests/contract")


def generators() -> list[str]:
    found = re.search(r"^GENERATORS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found, "the Makefile lists the modules that write files"
    return found[1].split()


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which every generator has run, in the Makefile's order."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copy2(ROOT / "tests/__init__.py", copy / "tests/__init__.py")
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    for module in generators():
        command = [sys.executable, "-m", module]
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{module}: {done.stderr}"
    return copy


def test_what_is_generated_is_what_is_checked_in(regenerated: Path) -> None:
    checked_in = contents(ROOT)
    stale = [path for path, text in contents(regenerated).items() if checked_in.get(path) != text]
    assert not stale, "run: make generate"


def test_no_generated_file_is_left_over(regenerated: Path) -> None:
    assert contents(ROOT).keys() == contents(regenerated).keys(), "run: make generate"


def test_whoever_says_how_a_file_is_made_is_run() -> None:
    """Each file that names its generator in its first lines names one that `make generate` runs.

    What a measurement wrote is left alone: it is another time's.
    """
    named = set()
    for path in files(ROOT):
        if path.suffix in {".md", ".yaml", ".yml"}:
            head = (ROOT / path).read_text()[:600]
            named |= set(re.findall(r"(?:Written|Generated) by `python -m ([\w.]+)`", head))
    assert named
    assert {name for name in named if not name.startswith("bench.")} <= set(generators())


def files(root: Path) -> list[Path]:
    written = (path for folder in ("deploy", "docs", "k8s") for path in (root / folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(root) for path in written if "__pycache__" not in path.parts)


def contents(root: Path) -> dict[Path, bytes]:
    return {path: (root / path).read_bytes() for path in files(root)}
