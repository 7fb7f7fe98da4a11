"""Log lines that no longer say which trace they belong to."""

from __future__ import annotations

from collections import defaultdict

from lab.clients.telemetry import LogLine
from lab.diagnosis.finding import Evidence, Finding
from lab.diagnosis.measure import graded, lines
from lab.diagnosis.window import Period, Window

_BAD = ("WARN", "WARNING", "ERROR", "CRITICAL", "FATAL")


def find(window: Window) -> list[Finding]:
    """Bare lines by service and by whether they tell of something bad: a healthy service's are all joined."""
    now, before = _bare(window.now), _bare(window.before)
    found = []
    for (service, bad), (bare, count) in now.items():
        bare_before, count_before = before.get((service, bad), ([], 0))
        share, share_before = len(bare) / count, len(bare_before) / count_before if count_before else 0.0
        if len(bare) < 3 or share - share_before < 0.2:
            continue
        told = "warnings and errors" if bad else "log lines"
        sentence = (
            f"{share:.0%} of the {told} of {service} carry no trace id ({share_before:.0%} before): a search by "
            "trace misses them."
        )
        evidence = Evidence(
            {"share": share, "share_before": share_before},
            (),
            lines(bare),
            f'{{service_name="{service}"}} | trace_id=""',
        )
        found.append(
            Finding(service, "logs", "broken correlation", graded(share - share_before, 0.1, 0.5), sentence, evidence)
        )
    return found


def _bare(period: Period) -> dict[tuple[str, bool], tuple[list[LogLine], int]]:
    table: dict[tuple[str, bool], tuple[list[LogLine], int]] = defaultdict(lambda: ([], 0))
    for line in period.logs:
        key = (line.service, line.level in _BAD)
        bare, count = table[key]
        if not line.trace_id:
            bare.append(line)
        table[key] = (bare, count + 1)
    return dict(table)
