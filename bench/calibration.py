"""``python -m bench.calibration FOLDER``: what the engine's confidences are worth, counted on recorded cases."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from lab.campaign.cases import Recorded, recorded
from lab.campaign.score import Share, all_right
from lab.diagnosis.calibration import FILE, Step, fit, worth
from lab.diagnosis.engine import diagnose

Answer = tuple[float, bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a campaign's folder")
    parser.add_argument("--write", action="store_true", help="keep the map for the engine")
    arguments = parser.parse_args()
    cases = list(recorded(arguments.folder))
    developed = [answer_of(case) for case in cases if not case.held_out]
    held_out = [answer_of(case) for case in cases if case.held_out]
    steps = fit(developed)
    if arguments.write:
        rows = [asdict(step) for step in steps]
        FILE.write_text(json.dumps(rows, indent=1) + "\n")
    sys.stdout.write("\n".join(lines(steps, developed, held_out)) + "\n")


def answer_of(case: Recorded) -> Answer:
    """(confidence of the first answer, whether it is right in service, operation and kind, or rightly "nothing")."""
    found = diagnose(case.window())
    if found.healthy:
        return found.nothing, case.truth.fault == "none"
    first = found.ranking[0]
    return first.confidence, case.truth.fault != "none" and all_right(case.truth, first.finding.cause)


def lines(steps: Sequence[Step], developed: Iterable[Answer], held_out: Iterable[Answer]) -> Iterator[str]:
    """The map as Markdown, with what it says of cases it was not fitted to."""
    held = list(held_out)
    yield "| confidence from | worth | developed on: right | held out: right |"
    yield "|---|---|---|---|"
    for step in steps:
        own = Share(step.right, step.cases)
        others = [right for confidence, right in held if worth(confidence, steps) == step]
        other = Share(sum(others), len(others))
        yield f"| {step.above:.2f} | {step.share:.2f} | {own} of {own.count} | {other} of {other.count} |"
    for part, answers in (("developed on", list(developed)), ("held out", held)):
        if answers:
            bare = brier((confidence, right) for confidence, right in answers)
            mapped = brier((_worth(confidence, steps), right) for confidence, right in answers)
            yield f"\nBrier score, {part} ({len(answers)} cases): {bare:.3f} bare, {mapped:.3f} by the map."


def brier(answers: Iterable[Answer]) -> float:
    """The mean squared difference of what was said and what was so (Brier, Monthly Weather Review 1950)."""
    rows = [(said - right) ** 2 for said, right in answers]
    return sum(rows) / len(rows)


def _worth(confidence: float, steps: Sequence[Step]) -> float:
    step = worth(confidence, steps)
    return step.share if step else confidence


if __name__ == "__main__":
    main()
