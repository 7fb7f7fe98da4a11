"""``python -m lab.traffic``: traffic without end under the supervisor, or a measured run with a report."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime

import uvloop

from lab.place import Place
from lab.traffic.bodies import Bodies
from lab.traffic.days import Days
from lab.traffic.generator import Generator, Plan, wait_for_services
from lab.traffic.market_time import MarketTime
from lab.traffic.shifts import WantedShifts, shifts_file
from lab.traffic.tally import json_fields, report_lines, summarise
from services import topology

_LOG_EVERY_S = 60.0
_POOL = 600  # listings; their requests take 16 MB
# A tenth of a real day's predictions is plenty of labels. A day of a fast clock has a few hundred: all are labelled.
_LABEL_SHARE, _LABEL_SHARE_FAST = 0.1, 1.0


def main() -> None:
    arguments = _parser().parse_args()
    place = Place.from_environment()
    plan = Plan(
        base_url=place.url("gateway"),
        api_key=place.api_key("traffic"),
        rate=arguments.rate,
        seed=arguments.seed,
        duration_s=arguments.duration,
        count=arguments.count,
        in_flight=arguments.in_flight,
        market=MarketTime(float(os.environ.get("FAULTLINE_TIME_SCALE", "1")) if arguments.forever else 1.0),
    )
    if arguments.forever:
        uvloop.run(_forever(plan, place, arguments.label_share))
    else:
        _measured(plan, as_json=arguments.json)


async def run_until_stopped(generator: Generator) -> None:
    """Run to the plan's end, or until SIGINT or SIGTERM; the answers that are out by then are dropped."""
    task = asyncio.ensure_future(generator.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.traffic", description=__doc__)
    parser.add_argument("--rate", type=_positive, default=5.0, help="predictions a second (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="seed of arrivals, users and listings")
    parser.add_argument("--in-flight", type=int, default=64, help="most requests open at once (default 64)")
    parser.add_argument(
        "--label-share", type=float, help="share of predictions whose outcome is told (default 0.1; 1 on a fast clock)"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--duration", type=_positive, default=0.0, help="seconds to run")
    end.add_argument("--count", type=int, default=0, help="predictions to send")
    end.add_argument("--forever", action="store_true", help="run on and log a JSON line a minute")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _measured(plan: Plan, *, as_json: bool) -> None:
    bodies = Bodies(plan.seed)
    bodies.fill()
    generator = Generator(plan, bodies)
    began, worked = time.perf_counter(), time.process_time()
    uvloop.run(run_until_stopped(generator))
    summary = summarise(generator.tally, time.perf_counter() - began)
    if as_json:
        spent = time.process_time() - worked
        each = [round(latency, 2) for latency in generator.tally.latencies_ms]
        json.dump({**json_fields(summary), "generator_cpu_s": spent, "latencies_ms": each}, sys.stdout)
        sys.stdout.write("\n")
    else:
        sys.stdout.write("\n".join(report_lines(summary)) + "\n")


async def _forever(plan: Plan, place: Place, label_share: float | None) -> None:
    # In a cluster the traffic reaches the one door and no other service, as everybody else.
    doors = ["gateway"] if place.inside else list(topology.SERVICES)
    await wait_for_services([place.url(name) for name in doors], _log)
    _log(f"sending {plan.rate:g} predictions a second; the marketplace's clock runs {plan.market.scale:g} times ours")
    bodies = Bodies(plan.seed, _POOL)
    days = _days(plan, place, bodies, label_share)
    generator = Generator(plan, bodies, days)
    reporter = asyncio.ensure_future(_report_each_minute(generator, days))
    try:
        await run_until_stopped(generator)
    finally:
        reporter.cancel()
        await asyncio.wait([reporter])


def _days(plan: Plan, place: Place, bodies: Bodies, label_share: float | None) -> Days:
    share = label_share
    if share is None:
        share = _LABEL_SHARE if plan.market.scale == 1.0 else _LABEL_SHARE_FAST
    return Days(plan.seed, plan.market, bodies, WantedShifts(shifts_file(place)), label_share=share, tell=_log)


async def _report_each_minute(generator: Generator, days: Days) -> None:
    """A line a minute, and one for what came after the last of them when this is cancelled."""
    while True:
        began, what = time.perf_counter(), "stopped"
        try:
            await asyncio.sleep(_LOG_EVERY_S)
            what = "traffic of the last minute"
        finally:
            summary = summarise(generator.swap(), time.perf_counter() - began)
            _log(what, **json_fields(summary), **days.numbers())


def _log(message: str, **fields: object) -> None:
    """A JSON line in the shape of the services' own logs."""
    timestamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"timestamp": timestamp, "level": "INFO", "message": message, "service": "traffic", **fields}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
