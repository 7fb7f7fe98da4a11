"""Which cases a campaign records: drawn by seed, two a fault, and at least 30 healthy ones between them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from lab.drills.decoys import DECOYS
from lab.faults.row import Row

_HEALTHY_LEAST = 30
_GENTLEST = 0.5


@dataclass(frozen=True)
class Case:
    """One recording: a fault at a place with an intensity, or none (``fault`` empty), where ``at`` may name a decoy."""

    id: str
    fault: str = ""
    at: str = ""
    intensity: float = 1.0


def plan(rows: Iterable[Row], seed: int, each: int = 2) -> list[Case]:
    """``each`` cases a fault, at different places and intensities where it has them, in an order of the seed's."""
    generator = random.Random(seed)
    cases = [case for row in rows for case in _cases(row, generator, each)]
    generator.shuffle(cases)
    healthy = max(_HEALTHY_LEAST, len(cases) // 4)
    listed: list[Case] = []
    for index, case in enumerate(cases):
        done = sum(not each.fault for each in listed)
        if done < healthy * (index + 1) / len(cases):
            listed.append(_quiet(done))
        listed.append(case)
    return listed


def _quiet(number: int) -> Case:
    """A healthy case; every third shows a decoy."""
    if number % 3 < 2:
        return Case(f"healthy-{number + 1:02d}")
    decoy = DECOYS[number // 3 % len(DECOYS)]
    return Case(f"decoy-{decoy}-{number + 1:02d}", at=decoy)


def _cases(row: Row, generator: random.Random, each: int) -> list[Case]:
    places = list(row.places)
    generator.shuffle(places)
    made = []
    for number in range(each):
        intensity = round(generator.uniform(_GENTLEST, 1.0), 2) if row.dialled and number else 1.0
        at = places[number % len(places)]
        made.append(Case(f"{row.id}-{at.replace(' ', '_')}-{number + 1}", row.id, at, intensity))
    return made
