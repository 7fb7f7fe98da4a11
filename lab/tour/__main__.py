"""``python -m lab.tour``: run each fault once and record it. What was recorded before is not run again."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import httpx
from redis.exceptions import RedisError

from lab import stack
from lab.faults import asking
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place
from lab.stack import Options
from lab.tour.judge import healthy_names, judge, recovery
from lab.tour.reader import Reader
from lab.tour.record import Recording, Times, record, signals_of
from lab.tour.report import write

RATE = 7.0
# A marketplace day takes three seconds, so that labels come within a window.
TIME_SCALE = "28800"


def main() -> None:
    """Exits with 1 where a fault that was run does not pass."""
    arguments = _parser().parse_args()
    place = Place.from_environment()
    folder = arguments.folder or place.run_dir / "tour"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [fault for fault in ROWS if not arguments.only or fault in arguments.only]
    started = not arguments.report and stack.up(
        place, Options(traffic_rate=RATE, environment={"FAULTLINE_TIME_SCALE": TIME_SCALE})
    )
    try:
        if not arguments.report:
            _run(place, folder, chosen, again=arguments.again)
    finally:
        if started:
            stack.down(place)
    found = write(place.root / "docs", _recordings(folder))
    sys.exit(1 if any(verdict.problems for _, verdict in found) else 0)


def _run(place: Place, folder: Path, chosen: list[str], *, again: bool) -> None:
    asking.clear(place, "")
    reader, healthy = Reader(place), None
    for number, fault in enumerate(chosen, 1):
        path = folder / f"{fault}.json"
        if not again and fault in {each.fault for each in _recordings(folder)}:
            continue
        began = time.monotonic()
        _say(f"{number}/{len(chosen)} {fault} … ")
        try:
            recording, after = record(reader, ROWS[fault], Times(), lambda step: _say(f"{step} … "), healthy)
        except (LabError, httpx.HTTPError, RedisError) as error:
            _say(f"could not be recorded: {type(error).__name__}: {error}\n")
            healthy = None
            continue
        path.write_text(recording.as_json())
        problems = judge(recording, healthy_names(_recordings(folder))).problems
        # What has not come back is no healthy window for the next fault.
        healthy = after if not recovery(ROWS[fault], recording) else None
        _say(f"{time.monotonic() - began:.0f} s: {'pass' if not problems else '; '.join(problems)}\n")


def _recordings(folder: Path) -> list[Recording]:
    """Those there are, in the catalogue's order; one made for other signals than the row's now is none."""
    paths = [folder / f"{fault}.json" for fault in ROWS]
    found = [Recording.from_json(path.read_text()) for path in paths if path.exists()]
    return [each for each in found if {str(signal) for signal in signals_of(ROWS[each.fault])} <= {*each.before}]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.tour", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], choices=list(ROWS), metavar="FAULT", help="these faults alone")
    parser.add_argument("--again", action="store_true", help="run what was recorded before, too")
    parser.add_argument("--report", action="store_true", help="write the report of what is recorded, and run nothing")
    parser.add_argument("--folder", type=Path, help="where the recording lies (default: tour in the run folder)")
    return parser


def _say(text: str) -> None:
    print(text, end="", flush=True)


if __name__ == "__main__":
    main()
