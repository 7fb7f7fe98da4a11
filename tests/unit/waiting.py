"""Waiting for a fact, with a bound and a description."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Fact = TypeVar("Fact")
POLL_S = 0.01


def eventually(look: Callable[[], Fact], description: str, within: float = 10.0) -> Fact:
    """What ``look`` returns once it is truthy; fails with the description after ``within`` seconds."""
    until = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < until, f"not within {within:g} s: {description} (last seen: {found!r})"
        time.sleep(POLL_S)
    return found
