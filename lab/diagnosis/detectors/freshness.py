"""Features that stand still or are not there: every answer is 200, and worse."""

from __future__ import annotations

from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, mean_attribute
from lab.diagnosis.window import Window


def find(window: Window) -> list[Finding]:
    return [*_stale(window), *_defaults(window)]


def _stale(window: Window) -> list[Finding]:
    """Events are taken and not counted; the age of what is served grows (data freshness as a service level: Google's
    SRE workbook, chapter 13)."""
    found = []
    for service, accepted in window.before.by("events_accepted").items():
        counted = window.now.total("events_counted", service_name=service)
        taken = window.now.total("events_accepted", service_name=service)
        waiting = window.now.value("events_waiting", service_name=service) or 0.0
        if accepted < 5 or taken < 5 or counted > 0.5 * taken:
            continue
        age, age_before = (
            mean_attribute(period.spans, names.FEATURE_AGE, service) or 0.0 for period in (window.now, window.before)
        )
        sentence = (
            f"{service} took {taken:.0f} events and counted {counted:.0f} of them; {waiting:.0f} wait, and "
            "features are "
            f"served {age:.0f} s old ({age_before:.0f} s before)."
        )
        old = sorted(
            (s for s in window.now.spans if names.FEATURE_AGE in s.attributes),
            key=lambda s: -float(str(s.attributes[names.FEATURE_AGE])),
        )
        numbers = {"taken": taken, "counted": counted, "waiting": waiting, "age_s": age, "age_before_s": age_before}
        evidence = Evidence(numbers, examples(old), (), window.query("events_waiting"))
        found.append(
            Finding(
                service, "aggregate_events", "stale data", graded(1 - counted / taken, 0.4, 0.9), sentence, evidence
            )
        )
    return found


def _defaults(window: Window) -> list[Finding]:
    """Defaults served in place of features."""
    found = []
    for service in sorted(window.now.by("defaults")):
        now, before = window.rise("defaults", service_name=service)
        a_request = now / max(window.requests, 1)
        before_a_request = before / max(window.requests, 1)
        if now < 10 or a_request < 0.3 or a_request < 3 * before_a_request:
            continue
        features = window.now.by("defaults", "feature", service_name=service)
        worst = ", ".join(sorted(features, key=lambda name: -features[name])[:3])
        sentence = (
            f"{service} serves {a_request:.1f} features a request by their default ({before_a_request:.2f} "
            f"before): {worst}."
        )
        spans = [s for s in window.now.spans if s.service == service and s.name == "feature_lookup"]
        evidence = Evidence(
            {"a_request": a_request, "before": before_a_request}, examples(spans), (), window.query("defaults")
        )
        found.append(
            Finding(
                service,
                "feature_lookup",
                "missing data",
                graded(a_request - before_a_request, 0.2, 0.8),
                sentence,
                evidence,
            )
        )
    return found
