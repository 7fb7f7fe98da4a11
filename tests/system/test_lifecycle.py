"""A second stack beside the first, from the command line: it comes up, shows a trace, and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psutil
import pytest

from lab.place import Place
from lab.stack.ports import is_free
from services import topology
from tests.stack import ROOT
from tests.system.harness import System
from tests.system.ports import free_offset


@pytest.fixture(scope="module")
def second(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Room for a second stack, which the test itself starts; taken down whatever happens."""
    other = System(Place(ROOT, tmp_path_factory.mktemp("second"), free_offset()))
    yield other
    other.cli("down")
    other.close()


@pytest.mark.timeout(400)
def test_a_stack_starts_beside_another_and_is_gone_after_down(system: System, second: System) -> None:
    first_pids = system.pids()

    started = second.cli("up", "--target", "local", "--traffic-rate", "2")
    assert started.returncode == 0, started.stdout + started.stderr
    assert f"http://127.0.0.1:{topology.SERVICES['gateway'].port + second.place.offset}" in started.stdout
    assert re.search(r"trace [0-9a-f]{32}", started.stdout)
    assert "fuse_prediction" in started.stdout

    ours = second.processes()
    assert len(ours) >= len(topology.SERVICES) + 5
    assert "traffic" in second.pids()
    assert second.healthy()
    assert system.healthy(), "the first stack goes on beside it"

    stopped = second.cli("down")
    assert stopped.returncode == 0, stopped.stderr
    assert [process for process in ours if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert second.processes() == []
    assert all(is_free(port) for port in topology.ports(second.place.offset).values())

    assert system.pids() == first_pids, "down stops what its own up started, and nothing else"
    assert system.healthy()


def test_down_again_says_that_nothing_ran(second: System) -> None:
    done = second.cli("down")
    assert done.returncode == 0
    assert "Nothing was running" in done.stdout


def test_secrets_are_readable_by_their_owner_alone(system: System) -> None:
    assert system.place.secrets_dir.stat().st_mode & 0o077 == 0
    for path in system.place.secrets_dir.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name
