"""The one real stack that system and browser tests share: on ports and in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import stack
from lab.place import Place
from lab.stack import Options
from tests.system.harness import System
from tests.system.ports import free_offset

ROOT = Path(__file__).parents[1]
READY_WITHIN_S = 240  # a cold machine that runs other tests besides


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, without traffic of its own; taken down by what it recorded."""
    place = Place(ROOT, tmp_path_factory.mktemp("stack"), free_offset())
    try:
        stack.up(place, Options(traffic_rate=0), timeout_s=READY_WITHIN_S)
        running = System(place)
        running.eventually_healthy()
        yield running
        running.close()
    finally:
        stack.down(place)
