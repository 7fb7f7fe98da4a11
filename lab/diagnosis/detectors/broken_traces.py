"""Traces that fall apart: spans that begin a trace of their own though they have a caller, requests without a trace."""

from __future__ import annotations

from collections import Counter, defaultdict

from lab.clients.telemetry import Span
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded
from lab.diagnosis.trace import operation
from lab.diagnosis.window import Period, Window

KIND = "broken trace"
_LEAST_SHARE, _LEAST_MOVE = 0.05, 0.2


def find(window: Window) -> list[Finding]:
    return [*_new_roots(window), *_unrecorded(window)]


def _new_roots(window: Window) -> list[Finding]:
    """A kind of span that never was a root and now is (context lost on the hop or on the way to a thread)."""
    now, before = _roots(window.now), _roots(window.before)
    found = []
    for key, roots in now.items():
        share = len(roots) / max(_seen(window.now)[key], 1)
        usual = len(before.get(key, ())) / max(_seen(window.before)[key], 1)
        # What is begun by requests and by background work alike is a root now more, now less often.
        least = _LEAST_SHARE if usual < _LEAST_SHARE else _LEAST_MOVE
        if len(roots) < 3 or share - usual < least or key not in _seen(window.before):
            continue
        service, place = _who_lost_it(window, roots[0], key)
        sentence = (
            f"{share:.0%} of the spans {key[1]!r} of {key[0]} begin a trace of their own ({usual:.0%} before): "
            f"the context is lost in {place} of {service}."
        )
        evidence = Evidence(
            {"share": share, "share_before": usual},
            examples(roots),
            (),
            f'{{ name = "{key[1]}" && nestedSetParent < 0 }}',
        )
        found.append(Finding(service, place, KIND, graded(share - usual, 0.03, 0.4), sentence, evidence))
    return found


def _who_lost_it(window: Window, root: Span, key: tuple[str, str]) -> tuple[str, str]:
    """A server span lost its context at its caller; any other span where it stands."""
    if root.kind != "server":
        return key
    callers = Counter(span.service for span in window.before.spans if span.attributes.get("peer.service") == key[0])
    by_door = {span.service for trace in window.now.predictions for span in trace.spans}
    likely = next((caller for caller, _ in callers.most_common() if caller in by_door), "")
    inside = _callers_of(window.before, key)
    return (inside or likely or key[0]), f"call {key[0]}"


def _callers_of(period: Period, key: tuple[str, str]) -> str:
    """The service whose client spans are parents of these spans."""
    by_id = {span.span_id: span for span in period.spans}
    counts = Counter(
        by_id[span.parent_id].service
        for span in period.spans
        if (span.service, operation(span)) == key and span.parent_id in by_id
    )
    return counts.most_common(1)[0][0] if counts else ""


def _unrecorded(window: Window) -> list[Finding]:
    """Requests that metrics count and no trace shows, while no exporter lost anything."""
    now, before = _recorded(window.now), _recorded(window.before)
    if before is None or now is None or before < 0.5 or now > 0.93 * before or _lost(window):
        return []
    root = window.before.predictions[0].root
    sentence = (
        f"{now:.0%} of the predictions have a trace ({before:.0%} before), though nothing was dropped on the way: "
        "they were never recorded."
    )
    evidence = Evidence(
        {"recorded": now, "recorded_before": before},
        examples(t.root for t in window.now.predictions[:3]),
        (),
        window.query("exported"),
    )
    return [Finding(root.service, root.name, KIND, graded(1 - now / before, 0.05, 0.5), sentence, evidence)]


def _recorded(period: Period) -> float | None:
    """Spans that the services exported for each request, as a share of what a whole trace holds.

    By the exporters' own counters: a search has its limits, they have none.
    """
    requests = period.total("requests", service_name="gateway")
    exported = period.total("exported", signal="traces")
    whole = _spans_a_request(period)
    return exported / (requests * whole) if requests >= 20 and whole else None


def _spans_a_request(period: Period) -> float:
    """Mean spans of the traces that are there."""
    begun = [trace for trace in period.traces if not trace.root.parent_id and trace.root.service == "gateway"]
    return sum(len(trace.spans) for trace in begun) / len(begun) if begun else 0.0


def _lost(window: Window) -> bool:
    now, before = window.rise("dropped", signal="traces")
    return now > 5 + 3 * before


def _roots(period: Period) -> dict[tuple[str, str], list[Span]]:
    table: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in period.spans:
        if not span.parent_id:
            table[span.service, operation(span)].append(span)
    return dict(table)


def _seen(period: Period) -> Counter[tuple[str, str]]:
    return Counter((span.service, operation(span)) for span in period.spans)
