"""What a checker looks for: claims, each judged on the evidence that running the learner's code left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

E = TypeVar("E")


@dataclass(frozen=True)
class Point:
    """One claim judged; ``missing`` says what is not there yet, and is empty where it holds."""

    name: str
    missing: str

    @property
    def holds(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class Claim(Generic[E]):
    """``missing`` answers "" where the claim holds on the evidence, else what is missing, in a sentence."""

    name: str
    missing: Callable[[E], str]


def judged(claims: Sequence[Claim[E]], evidence: E) -> list[Point]:
    return [Point(claim.name, claim.missing(evidence)) for claim in claims]


def unless(holds: bool, missing: str) -> str:
    """``missing`` unless it holds."""
    return "" if holds else missing
