"""What the engine says: findings with their evidence, ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Evidence:
    """What a finding rests on: numbers by what they are, up to three traces, log lines, and a query to type."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    traces: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    query: str = ""


@dataclass(frozen=True)
class Finding:
    """One possible cause: where, of which kind, and how strong its evidence is by itself, from 0 to 1.

    ``service`` is a service's name, or ``redis``, ``host``, ``traffic``, ``telemetry`` for what is none of them.
    ``sentence`` says in plain words what was seen.
    """

    service: str
    operation: str
    kind: str
    strength: float
    sentence: str
    evidence: Evidence = Evidence()
    detector: str = ""

    @property
    def cause(self) -> tuple[str, str, str]:
        return self.service, self.operation, self.kind


@dataclass(frozen=True)
class Ranked:
    """A finding at its place in the ranking. ``confidence`` (0 to 1) orders; ``calibration`` says its worth."""

    finding: Finding
    confidence: float
    explained_by: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """Ranked causes, the likeliest first, and the confidence that nothing is wrong. ``notes`` are its limits."""

    ranking: tuple[Ranked, ...]
    nothing: float
    notes: tuple[str, ...] = ()
    traces: int = 0
    baseline_traces: int = 0

    @property
    def healthy(self) -> bool:
        """Whether "nothing is wrong" is the likeliest answer."""
        return not self.ranking or self.nothing > self.ranking[0].confidence
