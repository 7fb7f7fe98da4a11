"""Bodies that grew: bytes on the wire and the time to write and read them."""

from __future__ import annotations

from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, mean_attribute
from lab.diagnosis.window import Window

KIND = "payload size"
_LEAST_BYTES = 5_000


def find(window: Window) -> list[Finding]:
    """Payloads that spans tell of, by the operation that writes them."""
    found = []
    for key in sorted({(s.service, s.name) for s in window.now.spans if names.PAYLOAD in s.attributes}):
        spans = [s for s in window.now.spans if (s.service, s.name) == key]
        now = mean_attribute(spans, names.PAYLOAD) or 0.0
        before = mean_attribute((s for s in window.before.spans if (s.service, s.name) == key), names.PAYLOAD)
        if not before or now < _LEAST_BYTES or now < 3 * before:
            continue
        largest = sorted(spans, key=lambda s: -float(str(s.attributes.get(names.PAYLOAD, 0))))
        sentence = f"{key[1]} of {key[0]} writes {now / 1000:.0f} kB an answer ({before / 1000:.1f} kB before)."
        traces = tuple(dict.fromkeys(span.trace_id for span in largest[:9]))[:3]
        evidence = Evidence({"bytes": now, "bytes_before": before}, traces, (), window.query("received_bytes"))
        found.append(Finding(*key, KIND, graded(now / before, 2.5, 10), sentence, evidence))
    return found
