"""Rate rankings of causes against recorded truths: AC@k and Avg@5, with Wilson intervals.

AC@k is the share of cases whose true cause is among the first k answers, Avg@5 the mean of AC@1 to AC@5 (Pham et al.,
"RCAEval: A Benchmark for Root Cause Analysis of Microservice Systems", WWW 2025 companion).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from lab.campaign.truth import Truth

Cause = tuple[str, str, str]
Ranking = Sequence[Cause]
_Z95 = 1.959964
_DEPTH = 5


@dataclass(frozen=True)
class Graded:
    """One case: its id, its truth, what was answered (nothing: "nothing is wrong"), and whether it was held out."""

    case: str
    truth: Truth
    ranking: Ranking
    held_out: bool = False

    @property
    def healthy(self) -> bool:
        return self.truth.fault == "none"


@dataclass(frozen=True)
class Share:
    """Hits of a count, with its 95 % Wilson interval."""

    hits: float
    count: int

    @property
    def value(self) -> float:
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.count)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.2f} ({low:.2f}–{high:.2f})" if self.count else "–"


def wilson(hits: float, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson, JASA 1927); (0, 1) of nothing."""
    if not count:
        return 0.0, 1.0
    p, z2 = hits / count, _Z95**2
    middle = (p + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z95 / (1 + z2 / count) * sqrt(p * (1 - p) / count + z2 / (4 * count**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def service_right(truth: Truth, cause: Cause) -> bool:
    return truth.service_is(cause[0])


def place_right(truth: Truth, cause: Cause) -> bool:
    return truth.service_is(cause[0]) and truth.operation_is(cause[1])


def all_right(truth: Truth, cause: Cause) -> bool:
    return place_right(truth, cause) and truth.kind_is(cause[2])


GRAINS: Mapping[str, Callable[[Truth, Cause], bool]] = {
    "service": service_right,
    "service, operation": place_right,
    "service, operation, kind": all_right,
}


def distinct(ranking: Ranking, grain: str) -> list[Cause]:
    """The ranking with each service (or place) once, so that three kinds of one service are one guess of a service."""
    size = {"service": 1, "service, operation": 2}.get(grain, 3)
    seen: dict[tuple[str, ...], Cause] = {}
    for cause in ranking:
        seen.setdefault(cause[:size], cause)
    return list(seen.values())


def accuracy(graded: Iterable[Graded], grain: str, k: int) -> Share:
    """AC@k over the cases with a fault."""
    faulty = [each for each in graded if not each.healthy]
    right = GRAINS[grain]
    hits = sum(any(right(each.truth, cause) for cause in distinct(each.ranking, grain)[:k]) for each in faulty)
    return Share(hits, len(faulty))


def average(graded: Sequence[Graded], grain: str) -> float:
    """Avg@5."""
    return sum(accuracy(graded, grain, k).value for k in range(1, _DEPTH + 1)) / _DEPTH


def false_alarms(graded: Iterable[Graded]) -> Share:
    """The share of healthy cases in which something was blamed."""
    healthy = [each for each in graded if each.healthy]
    return Share(sum(bool(each.ranking) for each in healthy), len(healthy))


def confusions(graded: Iterable[Graded]) -> list[tuple[str, str]]:
    """(true kind, kind that was said first) of every case whose kind was missed."""
    table = []
    for each in graded:
        said = each.ranking[0][2] if each.ranking else "nothing"
        if not each.healthy and not each.truth.kind_is(said):
            table.append((each.truth.kinds[0], said))
    return sorted(table)
