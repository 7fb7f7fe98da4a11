"""A stack of a benchmark's own: up and warm for the length of a block, and down after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from bench.tell import tell
from lab.place import Place
from lab.stack import Options, down, up

FAST_CLOCK = 28_800.0  # a day of the marketplace takes three seconds


@contextmanager
def warm_stack(place: Place, options: Options, warm_up_s: float) -> Iterator[httpx.Client]:
    """Gives a client to ask the stack with, once it has been up for so long: the first inferences are slow."""
    try:
        up(place, options)
        tell(f"warming up for {warm_up_s:g} s")
        time.sleep(warm_up_s)
        with httpx.Client(timeout=20, trust_env=False) as http:
            yield http
    finally:
        down(place)
