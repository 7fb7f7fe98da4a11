"""``faultline up``, ``down``, ``status`` and ``reset``."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from lab import stack
from lab.cli.console import link
from lab.cli.elsewhere import run_elsewhere
from lab.cli.first_trace import show_first_trace
from lab.cli.output import AsJson, console, print_json, table
from lab.cli.progress import shown_progress
from lab.drills import baseline
from lab.place import HOST, Place
from lab.stack import Options, compose, k8s, modes
from lab.stack.modes import MODES, Target
from lab.stack.overlay import NAMESPACE


def up(
    target: Annotated[Target, typer.Option(help="Where to run; auto picks what this machine can do.")] = Target.AUTO,
    traffic_rate: Annotated[float, typer.Option(min=0, help="Predictions a second; 0: no traffic.")] = 5.0,
    telemetry: Annotated[bool, typer.Option(help="Off: no traces, no store, no Prometheus (for comparisons).")] = True,
    seed: Annotated[int, typer.Option(help="Seed of the traffic.")] = 1,
    time_scale: Annotated[
        float, typer.Option(min=1, max=100_000, help="Marketplace seconds a second; 1440: a day takes a minute.")
    ] = 1440.0,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait until everything is ready; 0: 150, with containers 300.")
    ] = 0.0,
) -> None:
    """Start the whole system, wait until it is ready, send one prediction and show its trace.

    [dim]Examples:[/dim]
      faultline up
      faultline up --traffic-rate 0
      FAULTLINE_PORT_OFFSET=20000 faultline up      (a second stack beside the first)
    """
    out, place = console(), Place.from_environment()
    began = time.monotonic()
    chosen, why = modes.choose(place, target)
    if target is Target.AUTO:
        out.print(f"Target: {chosen.value} ({why}).", markup=False)
    options = Options(telemetry=telemetry, traffic_rate=traffic_rate, seed=seed, time_scale=time_scale)
    with shown_progress(out) as progress:
        started = MODES[chosen].up(place, options, progress, timeout or MODES[chosen].READY_TIMEOUT_S)
    if not started:
        out.print("Faultline is up already; every program is ready.")
        _print_urls(place, chosen, out)
        return
    out.print(f"[green]Faultline is up[/green] after {time.monotonic() - began:.1f} s.")
    _print_urls(place, chosen, out)
    if telemetry:
        _first_trace(place, chosen, out)
        out.print(f"First trace after {time.monotonic() - began:.1f} s.")


def down() -> None:
    """Stop what `faultline up` started, and nothing else.

    [dim]Example:[/dim]
      faultline down
    """
    out = console()
    place = Place.from_environment()
    with shown_progress(out) as progress:
        stopped = modes.of(place).down(place, progress)
    out.print("Faultline is down." if stopped else "Nothing was running.")


def status(as_json: AsJson = False) -> None:
    """Show each program: state, readiness, process, ports, memory. Exits with 1 unless all are ready.

    [dim]Example:[/dim]
      faultline status --json
    """
    place = Place.from_environment()
    mode = modes.recorded(place)
    rows = MODES[mode].status(place)
    left = [] if rows else stack.leftovers(place)
    if as_json:
        programs = [asdict(row) for row in rows]
        print_json({"mode": mode, "up": bool(rows), "leftover_pids": left, "programs": programs})
    elif left:
        console().print(f"{len(left)} programs run without their supervisor. `faultline down` ends them.")
    elif not rows:
        console().print("Nothing is running. `faultline up` starts it.")
    else:
        _print_status(rows)
        if mode is not Target.LOCAL:
            _print_urls(place, mode, console())
    if not rows or not all(row.ready for row in rows):
        raise typer.Exit(1)


def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Stop, end drill and faults, wipe the data of all backends, start again and show that nothing is wrong. Keys stay.

    [dim]Example:[/dim]
      faultline reset --yes
    """
    place = Place.from_environment()
    if not yes:
        typer.confirm(f"Wipe all traces, logs, metrics and Redis data under {place.shown(place.run_dir)}?", abort=True)
    out = console()
    options, mode = stack.recorded_options(place), modes.of(place)
    local = modes.recorded(place) is Target.LOCAL
    if local:
        baseline.forget(place)
    with shown_progress(out) as progress:
        mode.reset(place, progress)
        mode.up(place, options, progress)
    out.print("Faultline is up again, with nothing remembered.")
    if local:
        out.print(baseline.proof(place))


def _first_trace(place: Place, mode: Target, out: Console) -> None:
    """As `faultline predict` shows it, which for containers runs inside."""
    if mode is Target.LOCAL:
        show_first_trace(place, out)
    elif code := run_elsewhere(place, ["predict"]):
        raise typer.Exit(code)


def _print_urls(place: Place, mode: Target, out: Console) -> None:
    rows = [("console", link(place))]
    rows += _local_urls(place) if mode is Target.LOCAL else _cluster_urls(place, mode)
    rows += [
        ("API key", place.shown(place.secrets_dir / "api_key_learner")),
        ("logs of each program", _where_logs_are(place, mode)),
    ]
    for name, where in rows:
        out.print(f"  {name:<22}{where}", markup=False, soft_wrap=True)


def _where_logs_are(place: Place, mode: Target) -> str:
    if mode is Target.COMPOSE:
        return f"docker compose -p {compose.project(place)} logs NAME"
    return f"kubectl -n {NAMESPACE} logs deploy/NAME" if mode is Target.K8S else place.shown(place.logs_dir)


def _local_urls(place: Place) -> list[tuple[str, str]]:
    return [
        ("predictions", f"{place.url('gateway')}/v1/predictions"),
        ("traces (Tempo API)", f"{place.url('telemetry_store')}/api/search"),
        ("logs (Loki API)", f"{place.url('telemetry_store')}/loki/api/v1/query_range"),
        ("Prometheus", place.url("prometheus")),
        ("Alertmanager", place.url("alertmanager")),
    ]


def _cluster_urls(place: Place, mode: Target) -> list[tuple[str, str]]:
    """What is published (compose) or forwarded (Kubernetes), each on its own port and this stack's offset."""
    ports = compose.PUBLISHED if mode is Target.COMPOSE else k8s.FORWARDED
    at = {name: f"http://{HOST}:{port + place.offset}" for name, port in ports.items() if name != "lab"}
    return [("predictions", f"{at.pop('gateway')}/v1/predictions"), *at.items()]


def _print_status(rows: list[stack.ProgramStatus]) -> None:
    out = console()
    shown = [
        (
            row.name,
            row.state.lower(),
            Text("ready", "green") if row.ready else Text(row.reason, "red"),
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
