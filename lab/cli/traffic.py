"""``faultline load``: traffic in the foreground, with live numbers and a closing report."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.live import Live

from lab.cli.output import AsJson, console, print_json
from lab.place import LabError, Place
from lab.traffic.__main__ import run_until_stopped
from lab.traffic.bodies import Bodies
from lab.traffic.generator import Generator, Plan
from lab.traffic.tally import Summary, json_fields, report_lines, summarise

_LIVE_EVERY_S = 1.0


def load(
    rate: Annotated[float, typer.Option(min=0.01, help="Predictions a second.")] = 5.0,
    duration: Annotated[float, typer.Option(min=0, help="Seconds to run; 0: until Ctrl-C or --count.")] = 60.0,
    count: Annotated[int, typer.Option(min=0, help="Predictions to send; overrides --duration.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of arrivals, users and listings.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Send extra traffic: Poisson arrivals, latency measured from the time each request was due.

    Exits with 1 if nothing was answered.

    [dim]Examples:[/dim]
      faultline load --rate 10 --duration 30
      faultline load --rate 20 --count 500 --json
    """
    place = Place.from_environment()
    plan = Plan(
        place.url("gateway"),
        place.api_key("traffic"),
        rate,
        seed,
        duration_s=0.0 if count else duration,
        count=count,
    )
    summary = _run(plan, None if as_json else console())
    if as_json:
        print_json(json_fields(summary))
    else:
        console().print("\n".join(report_lines(summary)), markup=False, soft_wrap=True)
    if not summary.answered:
        raise LabError("No prediction was answered.", "`faultline status` shows what runs.")


def _run(plan: Plan, out: Console | None) -> Summary:
    bodies = Bodies(plan.seed)
    bodies.fill()
    generator = Generator(plan, bodies)
    began = time.perf_counter()
    if out is not None and out.is_terminal:
        uvloop.run(_watched(generator, out))
    else:
        uvloop.run(run_until_stopped(generator))
    return summarise(generator.tally, time.perf_counter() - began)


async def _watched(generator: Generator, out: Console) -> None:
    began = time.perf_counter()
    with Live(console=out, auto_refresh=False, transient=True) as live:
        running = asyncio.ensure_future(run_until_stopped(generator))
        while not running.done():
            await asyncio.wait([running], timeout=_LIVE_EVERY_S)
            live.update(_live_line(generator, time.perf_counter() - began), refresh=True)
        running.result()


def _live_line(generator: Generator, seconds: float) -> str:
    now = summarise(generator.tally, seconds)
    errors = sum(now.failed.values())
    return (
        f"{seconds:5.0f} s   {now.answered} answered   {errors} errors   {generator.in_flight} in flight   "
        f"p50 {now.p50_ms:.0f}   p99 {now.p99_ms:.0f} ms   under 100 ms {now.under_objective:.1%}"
    )
