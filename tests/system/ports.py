"""Room for one more stack on this machine."""

from __future__ import annotations

import random

from lab.stack.ports import is_free
from services import topology

# All ports stay under 32768, where the system begins to hand out ports of its own to clients.
FIRST, LAST, STEP = 10_000, 23_000, 7


def free_offset() -> int:
    """A port offset at which every port of the topology is free; at random, so that two test runs seldom meet."""
    for offset in random.sample(range(FIRST, LAST, STEP), 200):
        if all(is_free(port) for port in topology.ports(offset).values()):
            return offset
    raise RuntimeError(f"no free ports between {FIRST} and {LAST} above the standard ones")
