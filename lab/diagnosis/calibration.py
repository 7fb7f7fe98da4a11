"""How often an answer was right when the engine was as sure as now: a monotone map, fitted to recorded cases.

The engine's confidences order its answers; they come from strengths that people chose. What they are worth is counted:
``python -m bench.calibration FOLDER --write`` fits the map by pool adjacent violators (Ayer et al., 1955) to cases that
the engine was developed on. Each step's share is (right + 1) / (cases + 2), Laplace's rule of succession, so that no
step claims to be certain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True)
class Step:
    """Answers with a confidence of at least ``above``: how many were recorded, and how many of them were right."""

    above: float
    right: int
    cases: int

    @property
    def share(self) -> float:
        return (self.right + 1) / (self.cases + 2)


def fit(answers: Iterable[tuple[float, bool]]) -> tuple[Step, ...]:
    """Steps of rising shares from (confidence, right) of each case; neighbours that would fall are pooled."""
    alike: dict[float, list[bool]] = {}
    for confidence, right in answers:
        alike.setdefault(round(confidence, 3), []).append(right)
    steps: list[Step] = []
    for confidence, rights in sorted(alike.items()):
        steps.append(Step(confidence, sum(rights), len(rights)))
        while len(steps) > 1 and steps[-2].share >= steps[-1].share:
            last, before = steps.pop(), steps.pop()
            steps.append(Step(before.above, before.right + last.right, before.cases + last.cases))
    return tuple(steps)


def worth(confidence: float, steps: Sequence[Step] | None = None) -> Step | None:
    """The step that a confidence falls into: the lowest one below all of them; None where nothing was fitted."""
    known = kept() if steps is None else steps
    below = [step for step in known if step.above <= confidence]
    return below[-1] if below else (known[0] if known else None)


@cache
def kept() -> tuple[Step, ...]:
    """The map that is kept in the repository; empty where none is."""
    rows = json.loads(FILE.read_text()) if FILE.exists() else []
    return tuple(Step(row["above"], row["right"], row["cases"]) for row in rows)
