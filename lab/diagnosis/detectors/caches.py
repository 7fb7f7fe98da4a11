"""Work that is done again because what should be kept is not: caches that miss, weights that are loaded each time.

A hit ratio that falls while the questions stay the same (USE method's "errors" of a cache), and its cost in the trace.
"""

from __future__ import annotations

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded
from lab.diagnosis.window import Window

KIND = "cache failure"
_LOADS_A_TRACE = 0.1
_LOADS_A_START, _HITS_WHEN_COLD = 3, 0.1  # what a process that has just started does anyway


def find(window: Window) -> list[Finding]:
    caches = sorted({(s.labels.get("service_name", ""), s.labels.get("cache", "")) for s in window.now.select("cache")})
    return [each for pair in caches if (each := _misses(window, *pair))] + _loads(window)


def _misses(window: Window, service: str, cache: str) -> Finding | None:
    hits, hits_before = (
        p.total("cache", service_name=service, cache=cache, result="hit") for p in (window.now, window.before)
    )
    all_now, all_before = (p.total("cache", service_name=service, cache=cache) for p in (window.now, window.before))
    if all_now < 20 or all_before < 20:
        return None
    share, share_before = hits / all_now, hits_before / all_before
    if share_before - share < 0.3 or (_starts(window, service) and share > _HITS_WHEN_COLD):
        return None
    place = next((key[1] for key in window.profile.now if key[0] == service and cache in key[1]), cache)
    observed = window.profile.now.get((service, place))
    sentence = (
        f"The cache {cache!r} of {service} hits {share:.0%} of its look-ups ({share_before:.0%} before): each "
        "caller computes anew."
    )
    numbers = {"hit_share": share, "hit_share_before": share_before}
    evidence = Evidence(numbers, observed.slowest() if observed else (), (), window.query("cache"))
    return Finding(service, place, KIND, graded(share_before - share, 0.2, 0.6), sentence, evidence)


def _loads(window: Window) -> list[Finding]:
    """Spans of loading a model among the spans of requests."""
    found = []
    for key, observed in window.profile.now.items():
        if key[1] != "model_load":
            continue
        before = window.profile.before.get(key)
        rate = observed.count / window.profile.now_traces
        rate_before = (before.count if before else 0) / window.profile.before_traces
        if rate < _LOADS_A_TRACE or rate < 4 * rate_before:
            continue
        if observed.count <= _LOADS_A_START * _starts(window, key[0]):
            continue
        sentence = (
            f"{key[0]} loads its model's weights {rate:.2f} times a request ({rate_before:.2f} before), "
            f"{observed.mean_whole():.0f} ms each."
        )
        spans = [span for span in window.now.spans if span.service == key[0] and span.name == key[1]]
        evidence = Evidence(
            {"loads_a_request": rate, "load_ms": observed.mean_whole()}, examples(spans), (), '{ name = "model_load" }'
        )
        found.append(Finding(*key, KIND, graded(rate, 0.05, 0.4), sentence, evidence))
    return found


def _starts(window: Window, service: str) -> float:
    """How often it was started again in the window."""
    return window.now.total("starts", service_name=service)
