"""Whether a trace really shows a cause: what a player points at must hold what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.campaign.truth import Truth
from lab.clients.telemetry import Span
from lab.diagnosis.one_trace import report
from lab.diagnosis.profile import Key, Observed
from lab.diagnosis.trace import Trace, aligned, operation

Usual = Mapping[Key, Observed]

_TIMES_SLOWER = 2.0
_AT_LEAST_MS = 3.0
# Kinds of which a single trace shows no more than that its service was there.
_NOT_IN_ONE_TRACE = frozenset(
    {
        "stale data", "missing data", "training-serving skew", "bad model version", "data drift", "concept drift",
        "late labels", "memory", "cardinality", "telemetry loss", "broken correlation", "connection handling",
        "oversized input", "payload size",
    }
)  # fmt: skip
_OUTSIDE = frozenset({"traffic", "outcomes", "telemetry pipeline", "host"})
_BROKEN = frozenset({"broken trace", "clock skew", "crash", "telemetry loss"})


def shows(spans: Iterable[Span], truth: Truth, usual: Usual, since_s: float) -> bool:
    """Whether the trace began while the fault was on, and shows it at its place.

    Shown is: an error in the service or on a call to it; its own time beyond twice the usual; a remark about the
    trace's shape; or, for kinds that no single trace proves, the service's part in it.
    """
    listed = list(spans)
    if not listed:
        return False
    trace = aligned(listed)
    if trace.root.start_ns < since_s * 1e9:
        return False
    if truth.kinds[0] in _NOT_IN_ONE_TRACE:
        return bool(_OUTSIDE & set(truth.services)) or bool(_of(trace, truth))
    if truth.kinds[0] in _BROKEN and _broken(listed, truth):
        return True
    return _failed(trace, truth) or _slow(trace, truth, usual) or _shape(listed, truth)


def _of(trace: Trace, truth: Truth) -> list[Span]:
    """Spans of the services in question, and calls to them."""
    return [s for s in trace.spans if s.service in truth.services or s.attributes.get("peer.service") in truth.services]


def _failed(trace: Trace, truth: Truth) -> bool:
    return any(span.status == "error" or _refuses(span) for span in _of(trace, truth))


def _refuses(span: Span) -> bool:
    code = span.attributes.get("http.response.status_code")
    return isinstance(code, int) and code >= 400


def _slow(trace: Trace, truth: Truth, usual: Usual) -> bool:
    """Some operation of the service (any at all, for the machine) took far longer by itself than it usually does."""
    anywhere = bool(_OUTSIDE & set(truth.services))
    for span in trace.spans if anywhere else _of(trace, truth):
        before = usual.get((span.service, operation(span)))
        own = trace.exclusive[span.span_id] / 1e6
        if before and own > max(_TIMES_SLOWER * before.mean_own(), before.mean_own() + _AT_LEAST_MS):
            return True
    return False


def _shape(spans: list[Span], truth: Truth) -> bool:
    """Repeated calls, calls in a row: what the report of one trace remarks about the place."""
    return any(service in remark for remark in report(spans).remarks for service in truth.services)


def _broken(spans: list[Span], truth: Truth) -> bool:
    """A half trace, spans without parents, or a service that is missing from it."""
    trace = aligned(spans)
    begins_late = trace.root.service != "gateway" or bool(trace.root.parent_id)
    missing = not any(span.service in truth.services for span in spans)
    return begins_late or missing or bool(trace.tree.orphans) or _shape(spans, truth)
