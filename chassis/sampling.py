"""Which traces belong to a share of all: told from the trace's id, so that every service tells the same."""

from __future__ import annotations

from opentelemetry.trace import SpanContext

_RANDOM_BITS = 56  # of a trace id, W3C Trace Context level 2 promises the last 56 to be random
_MASK, _ALL = (1 << _RANDOM_BITS) - 1, 1 << _RANDOM_BITS


def in_share(trace_id: int, share: float) -> bool:
    """Whether a trace is among ``share`` (0 to 1) of them, as OpenTelemetry's consistent probability sampling decides.

    What a smaller share keeps, a larger one keeps too: traces at a tenth and logs at a twentieth meet.
    """
    return (trace_id & _MASK) >= (1.0 - share) * _ALL


def keeps_details(context: SpanContext, share: float) -> bool:
    """Whether what may be left out with its trace is kept: outside a trace always, else as the trace itself is."""
    return not context.is_valid or (bool(context.trace_flags.sampled) and in_share(context.trace_id, share))
