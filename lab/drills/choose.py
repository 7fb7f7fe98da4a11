"""Which drill a seed gives: the same seed and level, the same drill, so that seeds can be shared."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from lab.campaign.truth import Truth, truth_of
from lab.drills.decoys import DECOYS
from lab.faults.catalogue import ROWS
from lab.faults.row import Row
from services import topology

LEVELS: Mapping[int, tuple[str, ...]] = {
    1: (
        "pool-of-one", "n-plus-one", "stampede", "redis-down", "long-text", "cold-model", "blocked-loop", "batch-wait",
        "corrupt-photo", "over-shedding", "slow-auth", "sequential", "redis-far", "big-hash", "crash-loop", "far-hop",
    ),
    2: (
        "stale-features", "missing-features", "unit-change", "nlp-canary", "cv-canary", "silent-fallback",
        "feature-drift", "photo-drift", "concept-drift", "label-delay",
    ),
    3: (
        "tight-deadline", "retry-storm", "redis-busy", "redis-flaky", "redis-denied", "thread-fight", "global-lock",
        "gc-pauses", "leak", "payload-bloat", "connection-churn", "huge-photo", "nan-output", "noisy-neighbour",
    ),
    4: (
        "lost-thread-context", "lost-context", "unsampled", "unjoined-logs", "clock-skew", "dropped-spans",
        "backend-refusing", "label-explosion",
    ),
}  # fmt: skip
"""Loud single faults; silent ones; wrong-looking victims; faults of the telemetry. Level 5: two, none, or a decoy."""

_SEEDS = 10_000
_TWO_OR_NONE = 5
# These hide one another's evidence, so no second fault goes with them.
_ALONE = frozenset({"backend-refusing", "crash-loop", "leak", "noisy-neighbour"})
_NONE_SHARE = 0.34
_GENTLEST = 0.7


@dataclass(frozen=True)
class Cause:
    """One fault of a drill: which, where, how strongly."""

    fault: str
    at: str
    intensity: float = 1.0

    @property
    def truth(self) -> Truth:
        return truth_of(ROWS[self.fault], self.at)


@dataclass(frozen=True)
class Drill:
    """What a seed gives. Without causes nothing is wrong, though a ``decoy`` may be seen.

    ``release``: it came with one, which a rollback removes.
    """

    seed: int
    level: int
    causes: tuple[Cause, ...]
    release: bool = False
    decoy: str = ""


def any_seed() -> int:
    """For who names none: short enough to be told to somebody else."""
    return random.SystemRandom().randrange(_SEEDS)


def choose(rows: Mapping[str, Row], seed: int, level: int) -> Drill:
    """A pure function of seed, level and catalogue. Raises ValueError for a level there is not."""
    generator = random.Random(f"{level}/{seed}")
    if level == _TWO_OR_NONE:
        causes = _mixed(rows, generator)
        return Drill(seed, level, causes, decoy="" if causes else generator.choice(("", *DECOYS)))
    if level not in LEVELS:
        raise ValueError(f"levels are 1 to {_TWO_OR_NONE}, not {level}")
    cause = _cause(rows, generator, generator.choice(_known(rows, level)))
    rolled_out = cause.truth.services[0] in topology.SERVICES  # users, outcomes and machines come without a release
    return Drill(seed, level, (cause,), release=generator.random() < 0.5 and rolled_out)


def _mixed(rows: Mapping[str, Row], generator: random.Random) -> tuple[Cause, ...]:
    if generator.random() < _NONE_SHARE:
        return ()
    pool = [fault for level in (1, 2, 3) for fault in _known(rows, level) if fault not in _ALONE]
    first, second = generator.sample(pool, 2)
    while rows[first].places[0] == rows[second].places[0]:
        second = generator.choice(pool)
    return _cause(rows, generator, first), _cause(rows, generator, second)


def _known(rows: Mapping[str, Row], level: int) -> list[str]:
    return [fault for fault in LEVELS[level] if fault in rows]


def _cause(rows: Mapping[str, Row], generator: random.Random, fault: str) -> Cause:
    row = rows[fault]
    intensity = round(generator.uniform(_GENTLEST, 1.0), 2) if row.dialled else 1.0
    return Cause(fault, generator.choice(row.places), intensity)
