"""From findings to a ranking: what explains what, and how sure one may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from lab.diagnosis.finding import Finding, Ranked

Cause = tuple[str, str, str]

# Above this strength a finding by itself is likelier than "nothing is wrong".
_EVEN = 0.5
_STRONGEST = 0.97
_STARVED = 5.0  # times as long for everything
# What is left of a finding's odds once another explains it.
_LEFT = 0.03

_SLOW = frozenset({"queueing", "network latency", "CPU contention", "blocked event loop", "timeout", "retries"})
_FAILS = frozenset(
    {"dependency down", "network loss", "timeout", "retries", "bad input", "hidden outage", "late labels"}
)

_STOPS = frozenset({"crash", "memory", "rate limit", "oversized input", "cache failure", "access denied"})

# Consequences of a cause by kind: in its own service or in those that wait for it.
CONSEQUENCES: Mapping[str, Set[str]] = {
    # A process that ends and starts writes lines of no request, so without a trace.
    "crash": _SLOW
    | _FAILS
    | {"cache failure", "telemetry loss", "broken trace", "broken correlation", "connection handling"},
    "memory": _SLOW | _FAILS | {"crash", "telemetry loss", "broken trace", "broken correlation"},
    "CPU contention": _SLOW - {"CPU contention"},
    "blocked event loop": _SLOW - {"blocked event loop"},
    "oversized input": _SLOW | {"memory", "payload size"},
    "cache failure": _SLOW | {"inefficient query", "blocked dependency", "memory", "crash"},
    "inefficient query": _SLOW | {"blocked dependency", "payload size"},
    "blocked dependency": _SLOW,
    "network latency": {"queueing", "timeout", "retries", "CPU contention"},
    "network loss": {"retries", "queueing", "connection handling", "dependency down", "stale data"},
    "queueing": {"timeout", "retries", "blocked event loop", "network latency"},
    "access denied": {"dependency down", "retries", "stale data", "missing data", "timeout", "late labels"},
    "dependency down": {"retries", "stale data", "missing data", "timeout", "late labels", "connection handling"},
    "retries": {"timeout", "queueing", "CPU contention", "hidden outage", "network latency"},
    "timeout": {"network latency", "connection handling"},
    "hidden outage": {"bad input", "dependency down", "bad model version", "data drift"},
    "payload size": _SLOW | {"memory"},
    "connection handling": {"network latency", "queueing", "CPU contention"},
    "lost parallelism": {"timeout", "queueing", "CPU contention"},
    "broken correlation": {"bad input"},
    "telemetry loss": {"broken trace", "crash"},
    "clock skew": {"broken trace", "late labels", "stale data"},
    "training-serving skew": {"data drift", "bad model version", "concept drift"},
    "data drift": {"bad model version", "concept drift"},
    "bad input": {"retries"},
    "bad model version": {"retries", "concept drift"},
    "rate limit": {"late labels", "stale data"},
    "cardinality": {"memory"},
}  # fmt: skip
# These reach everyone, whatever the call graph says.
_EVERYWHERE = frozenset({"telemetry", "traffic"})


def rank(findings: Iterable[Finding], callers: Mapping[str, set[str]]) -> tuple[tuple[Ranked, ...], float]:
    """(causes, the likeliest first; the probability of "nothing is wrong").

    Strengths are odds against "nothing", which has the odds 1. A finding that another explains keeps a trace of its own
    and speaks for the cause behind it: that something is wrong is as sure as its surest sign. The probabilities are the
    odds over their sum: one of them, or nothing, is the cause.
    """
    merged = sorted(merge(findings), key=lambda finding: (-finding.strength, finding.cause))
    behind = _behind(merged, reach(callers))
    odds = {finding.cause: _odds(finding.strength) * (_LEFT if finding.cause in behind else 1.0) for finding in merged}
    for finding in merged:
        first = _first(finding, behind).cause
        odds[first] = max(odds[first], _odds(finding.strength))
    total = sum(odds.values()) + 1.0
    ranked = [Ranked(f, odds[f.cause] / total, _named(behind.get(f.cause))) for f in merged]
    ranked.sort(key=lambda each: (-each.confidence, each.finding.cause))
    return tuple(ranked), 1.0 / total


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """One finding a cause: the strongest speaks, the others add to its strength (noisy or)."""
    table: dict[Cause, Finding] = {}
    for finding in sorted(findings, key=lambda each: (-each.strength, each.sentence)):
        known = table.setdefault(finding.cause, finding)
        if known is not finding:
            both = 1 - (1 - known.strength) * (1 - finding.strength / 2)
            table[finding.cause] = replace(known, strength=min(both, _STRONGEST))
    return [finding for finding in table.values() if finding.strength > 0]


def reach(callers: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """By service: itself and all who wait for it, directly or not."""
    table: dict[str, set[str]] = {}
    for service in callers.keys() | {caller for group in callers.values() for caller in group}:
        seen, waiting = {service}, [service]
        while waiting:
            for caller in callers.get(waiting.pop(), ()):
                if caller not in seen:
                    seen.add(caller)
                    waiting.append(caller)
        table[service] = seen
    return table


def _behind(findings: list[Finding], reached: Mapping[str, set[str]]) -> dict[Cause, Finding]:
    """By cause: the strongest finding that explains it. Where findings explain each other in a ring, its strongest
    stands by itself. ``findings`` are in the order of their strength."""
    table: dict[Cause, Finding] = {}
    for finding in reversed(findings):
        for other in findings:
            if explains(other, finding, reached) and _first(other, table) is not finding:
                table[finding.cause] = other
                break
    return table


def _first(finding: Finding, behind: Mapping[Cause, Finding]) -> Finding:
    """The finding at the end of its chain of explanations."""
    while explained := behind.get(finding.cause):
        finding = explained
    return finding


def _named(finding: Finding | None) -> str:
    return f"{finding.kind} in {finding.service}" if finding else ""


def explains(cause: Finding, effect: Finding, reached: Mapping[str, set[str]]) -> bool:
    """Whether a finding is what another would bring about; a weak one explains nothing, nor do two one another."""
    if cause is effect or cause.strength < _EVEN or not _touches(cause, effect, reached):
        return False
    if effect.detector == "latency":
        return cause.detector != "latency"
    if effect.kind == "late labels" and cause.kind in _SLOW | _FAILS | _STOPS:
        return True  # outcomes travel the same way as requests
    if effect.kind not in CONSEQUENCES.get(cause.kind, frozenset()):
        return False
    mutual = cause.kind in CONSEQUENCES.get(effect.kind, frozenset()) and _touches(effect, cause, reached)
    return not mutual or (cause.strength, effect.cause) > (effect.strength, cause.cause)


def _touches(cause: Finding, effect: Finding, reached: Mapping[str, set[str]]) -> bool:
    if cause.service == "host":
        # Its shadow: what goes beyond the common stretch has a reason of its own, unless nothing runs as usual.
        starved = cause.evidence.numbers.get("stretch", 0.0) >= _STARVED
        return effect.detector in ("latency", "timeouts", "retries") or (starved and effect.kind in _SLOW)
    if cause.service in _EVERYWHERE:
        return True
    if cause.service == effect.service or effect.service in reached.get(cause.service, ()):
        return True
    # A caller's call harms whom it calls: retries load the callee, a cut body fails there, a late part is hidden here.
    if cause.service in reached.get(effect.service, ()):
        return cause.kind in ("retries", "hidden outage", "timeout", "payload size") or effect.detector == "latency"
    return effect.service in ("outcomes", "traffic")


def _odds(strength: float) -> float:
    kept = min(strength, _STRONGEST)
    return kept / (1 - kept)
