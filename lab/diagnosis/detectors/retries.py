"""Attempts that multiply: the callee is asked more often than the traffic asks.

Metastable failures (Bronson et al., HotOS 2021): a trigger passes, the retries it set off keep the load up. Told from
the retries that any failure brings by their number: a budget allows a tenth, a storm brings as many as there are calls.
"""

from __future__ import annotations

import numpy as np

from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded
from lab.diagnosis.trace import Trace, operation
from lab.diagnosis.window import Window

KIND = "retries"
_LEAST_MORE = 0.35


def find(window: Window) -> list[Finding]:
    found = []
    calls = sorted({key for key in window.profile.now if key[1].startswith("call ")})
    for key in calls:
        now, before = _attempts(window.now.predictions, key), _attempts(window.before.predictions, key)
        if len(now) < 10 or len(before) < 10:
            continue
        a, b = float(np.mean([count for count, _ in now])), float(np.mean([count for count, _ in before]))
        if a - b < _LEAST_MORE:
            continue
        most = tuple(trace_id for _, trace_id in sorted(now, reverse=True)[:3])
        sentence = (
            f"{key[0]} makes {a:.2f} attempts a request at {key[1].removeprefix('call ')} ({b:.2f} before): the "
            "retries are load of their own."
        )
        evidence = Evidence({"attempts": a, "attempts_before": b}, most, (), window.query("retries"))
        found.append(Finding(*key, KIND, graded(a - b, 0.25, 1.0), sentence, evidence))
    return found


def _attempts(traces: tuple[Trace, ...], key: tuple[str, str]) -> list[tuple[int, str]]:
    counted = []
    for trace in traces:
        count = sum(span.service == key[0] and operation(span) == key[1] for span in trace.spans)
        if count:
            counted.append((count, trace.trace_id))
    return counted
