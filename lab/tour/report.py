"""The tour's report: a line a fault, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lab.faults.catalogue import ROWS
from lab.tour.judge import Verdict, healthy_names, judge, shown
from lab.tour.record import Recording

_HEAD = """# The tour

Each fault once on a running system with 7 predictions a second, on a machine of two cores that other work shared.
Written by `make tour`; bounds are those of the catalogue ([faults.md](faults.md)), stated before the run.
"before", "during" and "after" are windows of about 15 seconds, of 45 for drift, precision, memory, restarts and series;
"gone" is how long its mechanism outlived its end.

"""


def judged(recordings: Sequence[Recording]) -> list[tuple[Recording, Verdict]]:
    healthy = healthy_names(recordings)
    return [(each, judge(each, healthy)) for each in recordings]


def write(folder: Path, recordings: Sequence[Recording]) -> list[tuple[Recording, Verdict]]:
    """``tour.md`` and ``tour.json`` in a folder."""
    found = judged(recordings)
    (folder / "tour.md").write_text(markdown(found))
    (folder / "tour.json").write_text(json.dumps([_as_dict(*each) for each in found], indent=1) + "\n")
    return found


def markdown(found: Sequence[tuple[Recording, Verdict]]) -> str:
    passed = sum(not verdict.problems for _, verdict in found)
    missing = [fault for fault in ROWS if fault not in {each.fault for each, _ in found}]
    lines = [
        _HEAD,
        f"{len(found)} of {len(ROWS)} faults were run; {passed} pass everything.",
        f"Not run: {', '.join(missing)}." if missing else "",
        "",
        "| fault | signal | before | during | after | bound | others of its table | gone s | verdict |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(*each) for each in found),
    ]
    return "\n".join(lines) + "\n"


def _line(recording: Recording, verdict: Verdict) -> str:
    row = ROWS[recording.fault]
    cells = [
        (
            each.says,
            shown(recording.before, each.signal),
            shown(recording.during, each.signal),
            shown(recording.after, each.signal),
            each.rule,
        )
        for each in row.evidence
    ]
    columns = ["<br>".join(column) for column in zip(*cells, strict=True)]
    others = "stay" if not verdict.others else "; ".join(verdict.others)
    said = "pass" if not verdict.problems else "**" + "; ".join(verdict.problems)[:400].replace("|", "/") + "**"
    return f"| {row.id} | {' | '.join(columns)} | {others} | {recording.gone_after_s} | {said} |"


def _as_dict(recording: Recording, verdict: Verdict) -> dict[str, object]:
    row = ROWS[recording.fault]
    return {
        "fault": row.id,
        "evidence": [
            {
                "says": each.says,
                "bound": each.rule,
                "before": shown(recording.before, each.signal),
                "during": shown(recording.during, each.signal),
                "after": shown(recording.after, each.signal),
            }
            for each in row.evidence
        ],
        "gone_after_s": recording.gone_after_s,
        "problems": verdict.problems,
    }
