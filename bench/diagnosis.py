"""``python -m bench.diagnosis FOLDER``: how well the engine finds the causes of recorded cases, beside simple rules."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lab.campaign.baselines import rankings
from lab.campaign.cases import Recorded, recorded
from lab.campaign.score import GRAINS, Cause, Graded, accuracy, average, confusions, false_alarms
from lab.clients.telemetry import Span
from lab.diagnosis.engine import diagnose
from lab.diagnosis.window import Window

_LARGE = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a campaign's folder")
    folder = parser.parse_args().folder
    cases = list(recorded(folder))
    if not cases:
        parser.error(f"{folder} holds no recorded case; `faultline campaign` records some")
    graded, seconds = run(cases)
    sys.stdout.write("\n".join([*lines(graded, seconds), large_window(cases)]) + "\n")


def run(cases: Sequence[Recorded]) -> tuple[dict[str, list[Graded]], list[float]]:
    """Every method on every case; the seconds are the engine's, reading the recording not counted."""
    graded: dict[str, list[Graded]] = defaultdict(list)
    seconds = []
    for case in cases:
        window = case.window()
        began = time.perf_counter()
        answers = {"engine": answered(window)}
        seconds.append(time.perf_counter() - began)
        for name, ranking in (answers | rankings(case.case.id, window)).items():
            graded[name].append(Graded(case.case.id, case.truth, ranking, case.held_out))
    return dict(graded), seconds


def answered(window: Window) -> list[Cause]:
    """The engine's ranking; none where it says that nothing is wrong."""
    found = diagnose(window)
    return [] if found.healthy else [ranked.finding.cause for ranked in found.ranking]


def large_window(cases: Sequence[Recorded], traces: int = _LARGE) -> str:
    """How long a window of so many traces takes: those of the recorded cases, again under other ids until there are
    enough (for time alone; nothing is graded on it)."""
    window = cases[0].window()
    groups = [spans for case in cases for spans in case.window().now.raw_traces.values()]
    spans: list[Span] = []
    for number in range(traces):
        spans += (replace(span, trace_id=f"{number:032x}") for span in groups[number % len(groups)])
    large = Window(replace(window.now, spans=tuple(spans)), window.before)
    clock, processor = time.perf_counter(), time.process_time()
    diagnose(large)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return (
        f"\nA window of {traces} traces ({len(spans)} spans): {clock:.2f} s, {processor:.2f} s of them on a processor."
    )


def lines(graded: Mapping[str, Sequence[Graded]], seconds: Sequence[float]) -> Iterator[str]:
    """The whole report as Markdown."""
    for part, chosen in (("developed on", False), ("held out", True)):
        yield from _table(
            part, {name: [g for g in rows if g.healthy or g.held_out is chosen] for name, rows in graded.items()}
        )
    engine = graded["engine"]
    yield f"\nFalse alarms on healthy cases: {false_alarms(engine)} of {false_alarms(engine).count}."
    yield f"Seconds a case: {sorted(seconds)[len(seconds) // 2]:.2f} in the middle, {max(seconds):.2f} at most."
    silent = [each for each in engine if each.truth.silent]
    yield f"Silent faults, service AC@1: {accuracy(silent, 'service', 1)} of {len(silent)}."
    yield "\n| class | cases | service AC@1 | with operation and kind |\n|---|---|---|---|"
    for kind in sorted({each.truth.kinds[0] for each in engine if not each.healthy}):
        rows = [each for each in engine if each.truth.kinds[0] == kind]
        whole = accuracy(rows, "service, operation, kind", 1)
        yield f"| {kind} | {len(rows)} | {accuracy(rows, 'service', 1)} | {whole} |"
    yield "\n| true kind | said first | cases |\n|---|---|---|"
    for (true, said), count in sorted(Counter(confusions(engine)).items()):
        yield f"| {true} | {said} | {count} |"


def _table(part: str, graded: Mapping[str, Sequence[Graded]]) -> Iterator[str]:
    count = sum(not each.healthy for each in graded["engine"])
    yield f"\n### {part.capitalize()} ({count} fault cases)\n"
    yield "| method | right about | AC@1 (95 %) | AC@3 (95 %) | Avg@5 |\n|---|---|---|---|---|"
    for name, rows in graded.items():
        for grain in GRAINS:
            first, third = accuracy(rows, grain, 1), accuracy(rows, grain, 3)
            yield f"| {name} | {grain} | {first} | {third} | {average(rows, grain):.2f} |"


if __name__ == "__main__":
    main()
