"""``python -m bench.faults``: what the switches cost while nothing is switched on."""

from __future__ import annotations

import asyncio
import sys
import time
import timeit

from chassis.failpoints import Failpoint
from chassis.knobs import Knobs

ROUNDS, REPEATS = 200_000, 5
FAILPOINT_NS, KNOB_NS = 1_000.0, 20.0  # a knob costs nothing: no more than the clock can tell from an attribute


class Plain:
    """An attribute as any object has one."""

    def __init__(self) -> None:
        self.value = 1


def main() -> None:
    """Nanoseconds of one read, and of passing a failpoint; exits with 1 where that is more than it may be."""
    knobs = Knobs()
    knob, point = knobs.register("x.limit", 1, "An example."), Failpoint("x", knobs, RuntimeError)
    plain, off, passed = _read_ns(Plain()), _read_ns(knob), _pass_ns(point)
    _tell("a plain attribute", plain)
    _tell("a knob, nothing switched on", off, KNOB_NS, beyond=plain)
    _tell("a failpoint, nothing switched on", passed, FAILPOINT_NS)
    knobs.lay_over("x.limit", 2)
    _tell("a knob, overridden for all requests", _read_ns(knob))
    knobs.lay_over("x.limit", 3, lambda: False)
    _tell("a knob, overridden for a share of them", _read_ns(knob))
    sys.exit(1 if off - plain > KNOB_NS or passed > FAILPOINT_NS else 0)


def _tell(what: str, nanoseconds: float, most: float = 0.0, beyond: float = 0.0) -> None:
    aim = "" if not most else f"  {'met' if nanoseconds - beyond <= most else 'missed'}: {most:g} ns at most"
    print(f"{what:<40}{nanoseconds:7.1f} ns{aim}{' beyond it' if beyond else ''}")


def _read_ns(thing: object) -> float:
    best = min(timeit.repeat("thing.value", globals={"thing": thing}, number=ROUNDS, repeat=REPEATS))
    return best / ROUNDS * 1e9


def _pass_ns(point: Failpoint) -> float:
    """Passing it, the loop around that included."""

    async def often() -> float:
        began = time.perf_counter()
        for _ in range(ROUNDS):
            await point.passed()
        return time.perf_counter() - began

    return min(asyncio.run(often()) for _ in range(REPEATS)) / ROUNDS * 1e9


if __name__ == "__main__":
    main()
