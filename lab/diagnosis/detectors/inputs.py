"""Inputs that grew: the work is the same for each token or pixel, there is more of it.

Work proportional to size is told from slower work by the size itself, which the spans carry; what is reported is where
the size is decided (tokenising, decoding), not where its cost shows.
"""

from __future__ import annotations

from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded
from lab.diagnosis.window import Window

KIND = "oversized input"
_SIZES = ((names.TOKENS, "tokens"), (names.PIXELS, "pixels"))


def find(window: Window) -> list[Finding]:
    return [finding for attribute, unit in _SIZES for finding in _grown(window, attribute, unit)]


def _grown(window: Window, attribute: str, unit: str) -> list[Finding]:
    now, before = _sizes(window, attribute, True), _sizes(window, attribute, False)
    found = []
    for key, sized in now.items():
        usual = before.get(key)
        if usual is None or len(sized) < 5:
            continue
        most = sorted(size for size, _ in usual)[-1]
        big = [(size, trace_id) for size, trace_id in sized if size > 1.5 * most]
        share = len(big) / len(sized)
        if share < 0.05:
            continue
        largest = sorted(big, reverse=True)
        sentence = (
            f"{share:.0%} of the inputs of {key[0]} are larger than any before: up to {largest[0][0]:,.0f} {unit} "
            f"(at most {most:,.0f} before)."
        )
        evidence = Evidence(
            {"share": share, f"most_{unit}": largest[0][0], f"most_{unit}_before": most},
            tuple(dict.fromkeys(trace_id for _, trace_id in largest))[:3],
            (),
            f"{{ span.{attribute} > {most:.0f} }}",
        )
        strength = max(graded(share, 0.03, 0.4), graded(largest[0][0] / most, 1.5, 6))
        found.append(Finding(*key, KIND, strength, sentence, evidence))
    return found


def _sizes(window: Window, attribute: str, now: bool) -> dict[tuple[str, str], list[tuple[float, str]]]:
    table: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for span in (window.now if now else window.before).spans:
        value = span.attributes.get(attribute)
        if isinstance(value, int | float):
            table.setdefault((span.service, span.name), []).append((float(value), span.trace_id))
    return table
