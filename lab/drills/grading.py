"""Marks: a part for each thing found, fair synonyms accepted, hints and time taken off. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from lab.campaign.truth import NO_FAULT, Truth

SERVICE, OPERATION, KIND, EVIDENCE, RECOVERY = 30.0, 15.0, 35.0, 20.0, 20.0
FULL = SERVICE + OPERATION + KIND + EVIDENCE
A_HINT = 8.0
FREE_MINUTES, A_MINUTE, MOST_FOR_TIME = 5.0, 1.0, 15.0


@dataclass(frozen=True)
class Answer:
    """What a player says of one cause; ``kind`` "nothing" says that there is none."""

    service: str = ""
    operation: str = ""
    kind: str = ""
    evidence: str = ""
    text: str = ""

    @property
    def nothing(self) -> bool:
        return NO_FAULT.kind_is(self.kind)


@dataclass(frozen=True)
class Marks:
    """Points by part, out of 100 for the diagnosis; recovery is marked on its own, out of 20."""

    service: float = 0.0
    operation: float = 0.0
    kind: float = 0.0
    evidence: float = 0.0
    hints: float = 0.0
    time: float = 0.0
    recovery: float | None = None

    @property
    def total(self) -> float:
        """Never below zero, whatever hints and time cost."""
        found = self.service + self.operation + self.kind + self.evidence
        return round(max(found - self.hints - self.time, 0.0), 1)


def grade(
    answers: Sequence[Answer], truths: Sequence[Truth], shown: Sequence[Sequence[bool]], hints: int, minutes: float
) -> Marks:
    """Grade answers against all causes; none means "nothing is wrong".

    ``shown``: by answer, by cause, whether its trace shows it. With two causes each is worth half, in the order
    that suits the player; a cause too many costs a quarter.
    """
    cost = {"hints": A_HINT * hints, "time": min(max(minutes - FREE_MINUTES, 0.0) * A_MINUTE, MOST_FOR_TIME)}
    if not truths:
        right = len(answers) == 1 and answers[0].nothing
        return Marks(SERVICE, OPERATION, KIND, EVIDENCE, **cost) if right else Marks(**cost)
    named = [(answer, seen) for answer, seen in zip(answers, shown, strict=True) if not answer.nothing]
    unsaid = [(Answer(), [False] * len(truths))] * (len(truths) - len(named))  # an only answer may be of either cause
    orders = permutations([*named, *unsaid], len(truths))  # what is named beyond that is paired with no cause
    best = max((_paired(order, truths) for order in orders), key=sum)
    too_many = 1.0 - 0.25 * max(len(named) - len(truths), 0)
    service, operation, kind, evidence = (part / len(truths) * max(too_many, 0.0) for part in best)
    return Marks(service, operation, kind, evidence, **cost)


def part_marks(answer: Answer, truth: Truth, shown: bool) -> tuple[float, float, float, float]:
    """(service, operation, kind, evidence) points for one cause.

    The operation counts with its service alone: the right name in the wrong place is no find.
    """
    service = truth.service_is(answer.service)
    operation = service and truth.operation_is(answer.operation)
    kind = truth.kind_is(answer.kind)
    return SERVICE * service, OPERATION * operation, KIND * kind, EVIDENCE * shown


def _paired(
    order: Sequence[tuple[Answer, Sequence[bool]]], truths: Sequence[Truth]
) -> tuple[float, float, float, float]:
    paired = enumerate(zip(order, truths, strict=True))
    pairs = [part_marks(answer, truth, seen[n]) for n, ((answer, seen), truth) in paired]
    a, b, c, d = (sum(column) for column in zip(*pairs, strict=True))
    return a, b, c, d
