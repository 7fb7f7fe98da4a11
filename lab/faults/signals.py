"""Signals that tell faults apart, and the bounds they have to pass, stated before any run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Way = Literal["up", "down"]


@dataclass(frozen=True)
class Prom:
    """A PromQL query whose window is written ``[w]``; no series counts as 0."""

    query: str

    def text(self, window_s: float) -> str:
        return self.query.replace("[w]", f"[{window_s:.0f}s]")

    def __str__(self) -> str:
        return self.query.replace("[w]", "[1m]")


@dataclass(frozen=True)
class Traced:
    """A number made from the window's traces by the measure of that name (`lab.faults.measures`)."""

    measure: str
    service: str = ""
    span: str = ""
    attribute: str = ""

    def __str__(self) -> str:
        rest = ", ".join(part for part in (self.service, self.span, self.attribute) if part)
        return f"traces: {self.measure.replace('_', ' ')}({rest})"


@dataclass(frozen=True)
class Logged:
    """Lines a second of a LogQL query."""

    query: str

    def __str__(self) -> str:
        return self.query


@dataclass(frozen=True)
class RedisLog:
    """Entries of Redis's slow log (or ACL log) within the window whose command begins so."""

    log: Literal["slow", "acl"]
    command: str = ""

    def __str__(self) -> str:
        return f"redis-cli {'SLOWLOG GET' if self.log == 'slow' else 'ACL LOG'}: entries of {self.command or 'any'}"


Signal = Prom | Traced | Logged | RedisLog


@dataclass(frozen=True)
class Evidence:
    """A signal and its bound: it goes ``way`` past ``bound`` while the fault is on, and is not past it before.

    ``times`` asks for that factor over before as well, where "normal" differs between machines; without a bound the
    factor is all there is.
    """

    says: str
    signal: Signal
    bound: float | None
    way: Way = "up"
    times: float = 1.0

    def holds(self, before: float, during: float) -> bool:
        """Whether the signal tells the fault; a signal that was past its bound before tells nothing."""
        if math.isnan(during):
            return False
        if self.bound is None:
            return self._moved(before, during)
        return self.passed(during) and not self.passed(before) and self._moved(before, during)

    def passed(self, value: float) -> bool:
        if math.isnan(value) or self.bound is None:
            return False
        return value >= self.bound if self.way == "up" else value <= self.bound

    def _moved(self, before: float, during: float) -> bool:
        if math.isnan(before) or self.times == 1.0:
            return self.bound is not None
        return during >= before * self.times if self.way == "up" else during * self.times <= before

    @property
    def rule(self) -> str:
        """The bound in words."""
        factor = f"{self.times:g} times {'what it was' if self.way == 'up' else 'less than it was'}"
        if self.bound is None:
            return factor
        limit = f"{'≥' if self.way == 'up' else '≤'} {self.bound:g}"
        return limit if self.times == 1.0 else f"{limit}, and {factor}"


def psi(model: str, feature: str, version: str = "v1") -> Prom:
    """Population stability index of a feature's served values against its reference, half a count added to each bin."""
    names = f'model_name="{model}",model_version="{version}",feature="{feature}"'
    counted = f"(sum by (bin) (increase(feature_values_total{{{names}}}[w])) + 0.5)"
    served = f"({counted} / scalar(sum({counted})))"
    expected = f"max by (bin) (feature_reference_share{{{names}}})"
    return Prom(f"sum(({served} - {expected}) * ln({served} / {expected}))")


def rate(selector: str) -> str:
    """A counter's rate, summed; 0 without series."""
    return f"(sum(rate({selector}[w])) or vector(0))"


def mean(histogram: str, labels: str) -> str:
    """A histogram's mean."""
    return f"sum(rate({histogram}_sum{{{labels}}}[w])) / (sum(rate({histogram}_count{{{labels}}}[w])) > 0)"


def ratio(over: str, under: str) -> str:
    return f"{rate(over)} / ({rate(under)} > 0)"


def highest(selector: str) -> str:
    """The highest value that any series of a gauge had."""
    return f"max(max_over_time({selector}[w]))"
