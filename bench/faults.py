"""``python -m bench.faults``: what the switches cost while nothing is switched on."""

from __future__ import annotations

import timeit

from chassis.knobs import Knobs

ROUNDS = 2_000_000


class Plain:
    """An attribute as any object has one."""

    def __init__(self) -> None:
        self.value = 1


def main() -> None:
    """Nanoseconds of one read: a plain attribute, a knob, a knob laid over for all, and one for a share of requests."""
    knobs = Knobs()
    knob = knobs.register("x.limit", 1, "An example.")
    print(f"{'a plain attribute':<40}{_ns(Plain()):7.1f} ns")
    print(f"{'a knob, nothing switched on':<40}{_ns(knob):7.1f} ns")
    knobs.lay_over("x.limit", 2)
    print(f"{'a knob, overridden for all requests':<40}{_ns(knob):7.1f} ns")
    knobs.lay_over("x.limit", 3, lambda: False)
    print(f"{'a knob, overridden for a share of them':<40}{_ns(knob):7.1f} ns")


def _ns(thing: object) -> float:
    best = min(timeit.repeat("thing.value", globals={"thing": thing}, number=ROUNDS // 10, repeat=5))
    return best / (ROUNDS // 10) * 1e9


if __name__ == "__main__":
    main()
