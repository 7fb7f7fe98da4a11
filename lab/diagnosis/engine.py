"""The engine: ask every detector, rank what they say, and say when nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lab.diagnosis.detectors import (
    broken_traces,
    caches,
    cardinality,
    clock,
    correlation,
    cpu,
    crash,
    dependency,
    drift,
    event_loop,
    failures,
    freshness,
    hidden,
    inputs,
    labels,
    latency,
    memory,
    model_version,
    network,
    parallelism,
    payload,
    queries,
    queueing,
    rate_limit,
    refused_inputs,
    retries,
    skew,
    telemetry_loss,
    timeouts,
)
from lab.diagnosis.finding import Diagnosis, Finding
from lab.diagnosis.ranking import rank
from lab.diagnosis.window import Window

Detector = Callable[[Window], list[Finding]]
DETECTORS: Mapping[str, Detector] = {
    module.__name__.rpartition(".")[2]: module.find
    for module in (
        queueing, queries, dependency, network, caches, inputs, event_loop, cpu, memory, parallelism, rate_limit,
        payload, failures, refused_inputs, crash, retries, timeouts, hidden, freshness, skew, drift,
        model_version, labels,
        broken_traces, correlation, clock, telemetry_loss, cardinality, latency,
    )
}  # fmt: skip
"""Every detector by its file's name."""

_FEW_REQUESTS = 20


def diagnose(window: Window) -> Diagnosis:
    """Rank the causes that the window's telemetry shows. A pure function: the same window, the same answer."""
    findings = [replace(finding, detector=name) for name, find in DETECTORS.items() for finding in find(window)]
    ranking, nothing = rank(findings, window.callers)
    found = Diagnosis(
        ranking,
        nothing,
        notes(window),
        traces=len(window.now.raw_traces),
        baseline_traces=len(window.before.raw_traces),
    )
    return replace(found, notes=(*found.notes, *_doubts(window))) if found.healthy else found


def _doubts(window: Window) -> list[str]:
    """Alerts that speak against "nothing is wrong": most likely the baseline holds what is wrong, too."""
    firing = sorted(window.now.by("alerts", "alertname"))
    return [
        f"Yet {', '.join(firing)} fired. Where the trouble began before the window, the baseline holds it, too: "
        "compare with an earlier one (--baseline)."
    ] if firing else []  # fmt: skip


def notes(window: Window) -> tuple[str, ...]:
    """What limits the answer: too little to see, or signals that are not there."""
    found = []
    if window.requests < _FEW_REQUESTS:
        found.append(f"Only {window.requests} predictions were traced in the window; shares and times are rough.")
    if len(window.before.predictions) < _FEW_REQUESTS:
        found.append("The baseline holds few predictions; a longer or earlier one (--baseline) compares better.")
    if not window.now.select("feature_values"):
        found.append("No series feature_values_total: drift of features cannot be told.")
    if not window.now.select("up"):
        found.append("Prometheus knows no service: queues, memory and restarts cannot be told.")
    return tuple(found)
