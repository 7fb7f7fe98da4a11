"""Who found what on a game day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lab.campaign.truth import truth_of
from lab.drills.grading import Answer, grade
from lab.faults.catalogue import ROWS
from lab.gameday.script import Script, Step

_GRACE_S = 60.0


@dataclass(frozen=True)
class Said:
    """A player's answer, so many seconds of play after the start; ``clock_s``: its Unix time."""

    player: str
    at_s: float
    answer: Answer
    clock_s: float = 0.0


def step_at(script: Script, at_s: float) -> Step | None:
    """The latest fault that was on at that time, or ended less than a minute before."""
    open_then = [step for step in script.steps if step.at_s <= at_s <= step.ends_s + _GRACE_S]
    return open_then[-1] if open_then else None


def marks(script: Script, said: Said) -> float:
    """Marks of one answer: for the fault it was given in; without evidence traces, so out of 80."""
    step = step_at(script, said.at_s)
    if step is None:
        return 0.0
    truth = truth_of(ROWS[step.fault], step.place)
    return grade([said.answer], [truth], [[False]], hints=0, minutes=(said.at_s - step.at_s) / 60).total


def scoreboard(
    script: Script, answers: Sequence[Said], scored_until_s: float = math.inf
) -> list[tuple[str, float, int]]:
    """(player, marks, faults answered), the best first; of several answers to one fault the first counts.

    A fault's marks come once nobody can answer it any longer: before, they would tell who is right.
    """
    table = []
    for player in script.players:
        first: dict[Step, Said] = {}
        for said in sorted((each for each in answers if each.player == player), key=lambda each: each.at_s):
            step = step_at(script, said.at_s)
            if step is not None:
                first.setdefault(step, said)
        ended = [said for step, said in first.items() if step.ends_s + _GRACE_S <= scored_until_s]
        table.append((player, sum(marks(script, said) for said in ended), len(first)))
    return sorted(table, key=lambda row: (-row[1], row[0]))
