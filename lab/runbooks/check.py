"""``python -m lab.runbooks.check``: does each runbook point to the fault that was there?

Runs every runbook that names a fault as a cause at a moment when that fault was on, and every runbook at moments when
nothing was, against a stack whose backends hold the data of a tour. ``--write`` makes docs/runbooks.json and .md of it;
where a tour's faults were recorded on several stacks, ``--add`` takes in each after the first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.cli.output import complain
from lab.clients.http import LONG_TIMEOUT_S, open_client
from lab.place import LabError, Place
from lab.runbooks import Runbook, Sources, load, names
from lab.runbooks.library import DOCS
from lab.runbooks.pairs import Moment, Pair, moments, pairs
from lab.runbooks.report import REASONS, markdown


def as_document(found: Sequence[Pair]) -> list[dict[str, Any]]:
    return [{**asdict(each), "right": each.right} for each in found]


def beside(found: Sequence[Pair], path: Path = DOCS / "runbooks.json") -> list[Pair]:
    """What was written of other recordings: other faults', and other healthy moments."""
    asked = {(each.alert, each.fault, each.at if not each.fault else 0.0) for each in found}
    rows = [
        Pair(**{key: value for key, value in row.items() if key != "right"}) for row in json.loads(path.read_text())
    ]
    return [each for each in rows if (each.alert, each.fault, each.at if not each.fault else 0.0) not in asked]


def _write(found: Sequence[Pair]) -> None:
    (DOCS / "runbooks.json").write_text(json.dumps(as_document(found), indent=1) + "\n")
    (DOCS / "runbooks.md").write_text(markdown(found))


def main() -> None:
    """Exits with 1 where a runbook points elsewhere and docs/runbooks.md does not give the reason."""
    arguments = _parser().parse_args()
    place = Place.from_environment()
    folder = arguments.tour or place.run_dir / "tour"
    when = [each for each in moments(folder) if not arguments.only or each.fault in arguments.only]
    books = [load(name) for name in arguments.alerts or names()]
    try:
        found = _run(place, when, books, everything=arguments.verbose)
    except LabError as error:
        complain(error)
        sys.exit(1)
    if arguments.write:
        _write([*beside(found), *found] if arguments.add else found)
    sys.exit(any(not each.right and (each.alert, each.fault) not in REASONS for each in found))


def _run(place: Place, when: Sequence[Moment], books: Sequence[Runbook], *, everything: bool) -> list[Pair]:
    if not when:
        raise LabError("There is no recording of a tour.", "`make tour` makes them; --tour names another folder.")
    found = []
    with open_client(LONG_TIMEOUT_S) as http:
        for each in pairs(Sources.of(place, http), when, books):
            found.append(each)
            if everything or not each.right or each.failed:
                print(_line(each), flush=True)
    print(f"{sum(each.right for each in found)} of {len(found)} right")
    return found


def _line(each: Pair) -> str:
    mark = " " if each.right else "!"
    said = ", ".join([*each.held, *each.failed])
    return f"{mark} {each.alert:26}{each.fault or '(healthy)':20}{each.pointed or 'nothing':22}{said}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.runbooks.check", description=__doc__)
    parser.add_argument("--tour", type=Path, help="the tour's folder (default: tour in the run folder)")
    parser.add_argument("--only", nargs="+", default=[], metavar="FAULT", help='these faults; "" for healthy moments')
    parser.add_argument("--alerts", nargs="+", default=[], metavar="ALERT", help="these runbooks alone")
    parser.add_argument("--write", action="store_true", help="write docs/runbooks.json and docs/runbooks.md")
    parser.add_argument("--add", action="store_true", help="with --write: beside what was written of other recordings")
    parser.add_argument("--verbose", action="store_true", help="show what is right, too")
    return parser


if __name__ == "__main__":
    main()
