"""Inputs that one service took and the next one refuses: something happened to them on the way.

A refusal (4xx) at the door is the client's business; behind the door it is a fault between two of ours.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from lab.clients.telemetry import Span
from lab.diagnosis import names
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import examples, graded, lines
from lab.diagnosis.window import Period, Window

_NOT_ABOUT_INPUT = frozenset({401, 403, 404, 408, 429})
_LEAST_SHARE = 0.03


def find(window: Window) -> list[Finding]:
    now, before = _refused(window.now), _refused(window.before)
    found = []
    for service, refused in now.items():
        share = len(refused) / max(_asked(window.now, service), 1)
        usual = len(before.get(service, ())) / max(_asked(window.before, service), 1)
        if len(refused) >= 3 and share >= max(_LEAST_SHARE, 4 * usual):
            found.append(_finding(window, service, refused, share, usual))
    return found


def _finding(window: Window, service: str, refused: list[Span], share: float, usual: float) -> Finding:
    place = _where(window.now, refused)
    logs = lines(window.now.logs, having=(f"{service}: 4", "cannot be read"))
    status = refused[0].attributes.get(names.STATUS_CODE)
    sentence = (
        f"{service} refuses {share:.0%} of what it is asked with {status} in {place} ({usual:.0%} before), "
        "though the door had let it in."
    )
    query = f'{{ resource.service.name = "{service}" && span.{names.STATUS_CODE} = {status} }}'
    evidence = Evidence({"share": share, "share_before": usual}, examples(refused), logs, query)
    return Finding(service, place, "bad input", graded(share, 0.02, 0.25), sentence, evidence)


def _where(period: Period, refused: list[Span]) -> str:
    """The operation within those requests that fails, else the last that began."""
    ids = {span.span_id for span in refused}
    children = [span for span in period.spans if span.parent_id in ids]
    failing = [span for span in children if span.attributes.get(names.ERROR_TYPE) or span.status == "error"]
    counted = Counter(span.name for span in failing or children)
    return counted.most_common(1)[0][0] if counted else refused[0].name


def _refused(period: Period) -> dict[str, list[Span]]:
    """Server spans behind the door that answered 4xx, by service."""
    table: dict[str, list[Span]] = defaultdict(list)
    for span in period.spans:
        status = span.attributes.get(names.STATUS_CODE)
        if span.kind != "server" or span.service == names.ROOT_SERVICE or not isinstance(status, int):
            continue
        if 400 <= status < 500 and status not in _NOT_ABOUT_INPUT:
            table[span.service].append(span)
    return dict(table)


def _asked(period: Period, service: str) -> int:
    return sum(span.kind == "server" and span.service == service for span in period.spans)
