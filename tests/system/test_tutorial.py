"""Every command of the tutorial and of the README, run from their text, in order, on the session's stack."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.drills.session import Session
from lab.faults import asking
from services import topology
from tests.system.harness import System
from tests.system.test_drill import answered

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(?:bash|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What is not run as it stands, because it takes long or acts on the reader's own stack: what a command begins with,
# and what is run in its place. Everything else is run to the letter, ports and run folder apart.
INSTEAD = {
    "make up": ": the stack of these tests is up",
    "make down": ": it is taken down after the last test",
    "make test ": ": this is it",
    "source .venv/bin/activate": ": its programs are on PATH",
    "sleep 30": "sleep 8",
    "faultline drill start --level 1 --seed 44": "faultline drill start --level 1 --seed 44 --patience 5",
    "faultline drill start --level 1 ": "faultline drill start --level 1 --seed 44 --patience 0",
}
NEWEST = "$(faultline traces --limit 1 | awk 'NR == 2 {print $1}')"
WITHIN_S = 420  # some thirty starts of the command line: minutes where other work takes the cores


@pytest.fixture(scope="module")
def busy(system: System) -> Iterator[System]:
    """The stack as a reader has it: under traffic."""
    command = [sys.executable, "-m", "lab", "load", "--rate", "4", "--duration", "0", "--count", "100000", "--json"]
    load = subprocess.Popen(command, cwd=ROOT, env=environment(system), stdout=subprocess.DEVNULL)
    try:
        before = answered(system)
        system.eventually(lambda: answered(system) > before + 20, "some seconds of traffic", within=90)
        yield system
    finally:
        settle(system)
        load.send_signal(signal.SIGINT)
        load.wait(30)


def environment(system: System) -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
        "FAULTLINE_PORT_OFFSET": str(system.place.offset),
        "FAULTLINE_RUN_DIR": str(system.place.run_dir),
        "COLUMNS": "200",
    }


def commands(page: str) -> list[str]:
    """Every block's commands; a line that ends in a backslash or within quotes goes on in the next."""
    return [line for block in BLOCK.findall((ROOT / page).read_text()) for line in block.splitlines()]


def script(page: str, system: System) -> str:
    """The page's commands for this stack: with what is run instead, and the ports and the run folder moved."""
    lines = [in_place(line) for line in commands(page)]
    moved = [here(line, system) for line in lines]
    return "\n".join(moved) + "\n"


def in_place(line: str) -> str:
    said = line + " "
    found = next((other for start, other in INSTEAD.items() if said.startswith(start)), line)
    return re.sub(r"\bTRACE_ID\b", NEWEST, found)


def here(line: str, system: System) -> str:
    ports = {str(port): str(system.place.port(name)) for name, port in topology.ports().items()}
    moved = re.sub(r"(?<=127\.0\.0\.1:)(\d+)", lambda found: ports[found[1]], line)
    return re.sub(r"(?<![\w/])\.run/", f"{system.place.run_dir}/", moved)


@pytest.mark.timeout(WITHIN_S + 120)
@pytest.mark.parametrize("page", ["docs/tutorial.md", "README.md"])
def test_a_reader_can_follow_it_by_copy_and_paste(page: str, busy: System) -> None:
    settle(busy)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-v", "-c", script(page, busy)], cwd=ROOT, env=environment(busy),
        capture_output=True, text=True, timeout=WITHIN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"the last of these failed:\n{done.stderr[-1500:]}\n{done.stdout[-1500:]}"


def settle(system: System) -> None:
    """No drill runs and no fault is on."""
    Session(system.place).break_off()
    asking.clear(system.place, "")


def test_what_is_run_instead_is_really_on_a_page() -> None:
    pages = [commands(page) for page in ("docs/tutorial.md", "README.md")]
    assert all(pages), "a page without commands"
    said = [f"{line} " for page in pages for line in page]
    assert all(any(line.startswith(start) for line in said) for start in INSTEAD)
