"""``python -m bench``: start, memory, latency with and without telemetry, processor time, switches, false alarms.

It starts stacks of its own, on ports and in a folder of their own, and takes them down.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.load import LoadResult, all_pids, measure_load
from bench.machine import this_machine
from bench.report import Result, print_report
from bench.start import measure_start
from bench.tell import tell
from lab.place import Place
from lab.stack import Options, down, memory_mb, up


def main() -> None:
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="faultline-bench-") as folder:
        result = _measure(arguments, Path(folder))
    if arguments.json:
        json.dump(asdict(result), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        print_report(result, Console(highlight=False, width=None if sys.stdout.isatty() else 160))
    failed = [part for part in _parts(arguments) if not _ran(part, aside=arguments.json)]
    if failed:
        sys.exit(f"Not as it should be: {', '.join(failed)}")


def _parts(arguments: argparse.Namespace) -> list[str]:
    """The benchmarks that are programs of their own."""
    return [
        "bench.faults",
        *(("bench.store", "bench.queries") if arguments.store else ()),
        *(("bench.alarms",) if arguments.alarms else ()),
    ]


def _ran(part: str, *, aside: bool) -> bool:
    """Runs it; what it prints is for people, so beside JSON it goes to standard error."""
    tell(part)
    done = subprocess.run([sys.executable, "-m", part], check=False, stdout=sys.stderr if aside else None)
    return done.returncode == 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--count", type=int, default=3000, help="predictions for each load (default 3000)")
    parser.add_argument("--rates", type=float, nargs="+", default=[5.0, 10.0], help="predictions a second")
    parser.add_argument("--port-offset", type=int, default=27_000, help="of the stacks that are measured")
    parser.add_argument(
        "--no-set-up", dest="set_up", action="store_false", help="use this environment, time the start alone"
    )
    parser.add_argument(
        "--no-control", dest="control", action="store_false", help="leave out the control without telemetry"
    )
    parser.add_argument("--no-store", dest="store", action="store_false", help="leave out the store's own benchmarks")
    parser.add_argument(
        "--no-alarms", dest="alarms", action="store_false", help="leave out the half hour in which no alert should fire"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _measure(arguments: argparse.Namespace, folder: Path) -> Result:
    machine = this_machine()
    root = Place.from_environment({}).root
    watched = Place(root, folder / "run", arguments.port_offset)
    try:
        start = measure_start(watched, folder, set_up=arguments.set_up)
        # The loads run from the present environment: what was compiled at the cold start must not be in them.
        down(watched)
        up(watched, Options(traffic_rate=0))
        loads = _loads(watched, arguments, telemetry=True)
        memory = {name: round(memory_mb(pid), 1) for name, pid in all_pids(watched).items()}
    finally:
        down(watched)
    if arguments.control:
        loads += _control(Place(root, folder / "control", arguments.port_offset), arguments)
    return Result(machine, start, memory, loads)


def _control(place: Place, arguments: argparse.Namespace) -> list[LoadResult]:
    """The same loads on a stack without telemetry, without store and Prometheus."""
    try:
        up(place, Options(telemetry=False, traffic_rate=0))
        return _loads(place, arguments, telemetry=False)
    finally:
        down(place)


def _loads(place: Place, arguments: argparse.Namespace, *, telemetry: bool) -> list[LoadResult]:
    return [measure_load(place, rate, arguments.count, telemetry=telemetry) for rate in arguments.rates]


if __name__ == "__main__":
    main()
