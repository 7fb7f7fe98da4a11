"""One real stack for all system tests: started on ports and in a folder of its own, taken down by what it recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import stack
from lab.place import Place
from lab.stack import Options
from tests.system.harness import System
from tests.system.ports import free_offset

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
READY_WITHIN_S = 240  # a cold machine that runs other tests besides


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the stack."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, without traffic of its own."""
    place = Place(ROOT, tmp_path_factory.mktemp("stack"), free_offset())
    try:
        stack.up(place, Options(traffic_rate=0), timeout_s=READY_WITHIN_S)
        running = System(place)
        running.eventually_healthy()
        yield running
        running.close()
    finally:
        stack.down(place)
