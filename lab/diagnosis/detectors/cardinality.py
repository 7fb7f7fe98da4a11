"""Labels without bound: the number of a service's series climbs and does not fall."""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded
from lab.diagnosis.window import Window

_LEAST_MORE = 60


def find(window: Window) -> list[Finding]:
    found = []
    for service, now in window.now.by("series").items():
        before = window.before.value("series", service_name=service) or now
        routes = window.now.by("requests", "route", service_name=service)
        routes_before = window.before.by("requests", "route", service_name=service)
        new_routes = len(routes.keys() - routes_before.keys())
        if now - before < _LEAST_MORE or now < 1.25 * before or (window.before.total("starts", service_name=service)):
            continue
        sentence = (
            f"{service} exposes {now:.0f} series ({before:.0f} before), {new_routes} new values of the label "
            "route among them."
        )
        spans = [span for span in window.now.spans if span.service == service and span.kind == "server"]
        evidence = Evidence(
            {"series": now, "series_before": before, "new_routes": new_routes},
            examples(spans),
            (),
            window.query("series"),
        )
        found.append(Finding(service, "metrics", "cardinality", graded(now / before, 1.2, 2), sentence, evidence))
    return found
