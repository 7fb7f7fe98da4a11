"""``faultline up``, ``down``, ``status`` and ``reset``."""

from __future__ import annotations

import time
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from lab import stack
from lab.cli.first_trace import show_first_trace
from lab.cli.output import AsJson, console, print_json, table
from lab.cli.progress import shown_progress
from lab.place import LabError, Place
from lab.stack import Options


class Target(StrEnum):
    """Where the stack runs."""

    AUTO = "auto"
    LOCAL = "local"
    COMPOSE = "compose"
    K8S = "k8s"


def up(
    target: Annotated[Target, typer.Option(help="Where to run; auto picks what this machine can do.")] = Target.AUTO,
    traffic_rate: Annotated[float, typer.Option(min=0, help="Predictions a second; 0: no traffic.")] = 5.0,
    telemetry: Annotated[bool, typer.Option(help="Off: no traces, no store, no Prometheus (for comparisons).")] = True,
    seed: Annotated[int, typer.Option(help="Seed of the traffic.")] = 1,
    time_scale: Annotated[
        float, typer.Option(min=1, max=100_000, help="Marketplace seconds a second; 1440: a day takes a minute.")
    ] = 1440.0,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait until everything is ready.")] = 150.0,
) -> None:
    """Start the whole system, wait until it is ready, send one prediction and show its trace.

    [dim]Examples:[/dim]
      faultline up
      faultline up --traffic-rate 0
      FAULTLINE_PORT_OFFSET=20000 faultline up      (a second stack beside the first)
    """
    out = console()
    _choose_local(target, out)
    place = Place.from_environment()
    began = time.monotonic()
    options = Options(telemetry=telemetry, traffic_rate=traffic_rate, seed=seed, time_scale=time_scale)
    with shown_progress(out) as progress:
        started = stack.up(place, options, progress, timeout)
    if not started:
        out.print("Faultline is up already; every program is ready.")
        _print_urls(place, out)
        return
    out.print(f"[green]Faultline is up[/green] after {time.monotonic() - began:.1f} s.")
    _print_urls(place, out)
    if telemetry:
        show_first_trace(place, out)
        out.print(f"First trace after {time.monotonic() - began:.1f} s.")


def down() -> None:
    """Stop what `faultline up` started, and nothing else.

    [dim]Example:[/dim]
      faultline down
    """
    out = console()
    with shown_progress(out) as progress:
        stopped = stack.down(Place.from_environment(), progress)
    out.print("Faultline is down." if stopped else "Nothing was running.")


def status(as_json: AsJson = False) -> None:
    """Show each program: state, readiness, process, ports, memory. Exits with 1 unless all are ready.

    [dim]Example:[/dim]
      faultline status --json
    """
    place = Place.from_environment()
    rows = stack.status(place)
    left = [] if rows else stack.leftovers(place)
    if as_json:
        print_json({"up": bool(rows), "leftover_pids": left, "programs": [asdict(row) for row in rows]})
    elif left:
        console().print(f"{len(left)} programs run without their supervisor. `faultline down` ends them.")
    elif not rows:
        console().print("Nothing is running. `faultline up` starts it.")
    else:
        _print_status(rows)
    if not rows or not all(row.ready for row in rows):
        raise typer.Exit(1)


def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Stop, wipe the data of Redis, the store, Prometheus and Alertmanager, and start again. Keys stay.

    [dim]Example:[/dim]
      faultline reset --yes
    """
    place = Place.from_environment()
    if not yes:
        typer.confirm(f"Wipe all traces, logs, metrics and Redis data under {place.shown(place.run_dir)}?", abort=True)
    out = console()
    options = stack.recorded_options(place)
    with shown_progress(out) as progress:
        stack.reset(place, progress)
        stack.up(place, options, progress)
    out.print("Faultline is up again, with nothing remembered.")


def _choose_local(target: Target, out: Console) -> None:
    if target in (Target.COMPOSE, Target.K8S):
        raise LabError(f"The target {target.value} is not built yet.", "Use `faultline up --target local`.")
    if target is Target.AUTO:
        out.print("Target: local (processes on this machine; compose and k8s come later).")


def _print_urls(place: Place, out: Console) -> None:
    rows = [
        ("predictions", f"{place.url('gateway')}/v1/predictions"),
        ("traces (Tempo API)", f"{place.url('telemetry_store')}/api/search"),
        ("logs (Loki API)", f"{place.url('telemetry_store')}/loki/api/v1/query_range"),
        ("Prometheus", place.url("prometheus")),
        ("Alertmanager", place.url("alertmanager")),
        ("API key", place.shown(place.secrets_dir / "api_key_learner")),
        ("logs of each program", place.shown(place.logs_dir)),
    ]
    for name, where in rows:
        out.print(f"  {name:<22}{where}", markup=False, soft_wrap=True)


def _print_status(rows: list[stack.ProgramStatus]) -> None:
    out = console()
    shown = [
        (
            row.name,
            row.state.lower(),
            "[green]ready[/green]" if row.ready else f"[red]{row.reason}[/red]",
            str(row.pid or ""),
            " ".join(map(str, row.ports)),
            f"{row.uptime_s} s" if row.pid else "",
            f"{row.memory_mb:.0f}" if row.pid else "",
        )
        for row in rows
    ]
    columns = ("program", "state", "ready", "pid", "ports", "up for", "MB")
    out.print(table(columns, shown, right=("pid", "up for", "MB")))
    out.print(f"{sum(row.memory_mb for row in rows):.0f} MB in all")
