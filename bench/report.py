"""The result as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.load import LoadResult
from bench.machine import Machine
from bench.start import StartTimes

# Aims of the project, printed beside what was measured.
START_AIM_S = 60.0
MEMORY_AIM_MB = 2500.0
UNDER_AIM = {5.0: 0.999, 10.0: 0.99}


@dataclass(frozen=True)
class Result:
    """Everything that one run measured; memory is PSS in MB by process."""

    machine: Machine
    start: StartTimes
    memory_mb: dict[str, float]
    loads: list[LoadResult]


def print_report(result: Result, out: Console) -> None:
    machine = result.machine
    out.print(
        f"[bold]Machine[/bold]  {machine.hardware}, {machine.system}, Python {machine.python}; "
        f"load average before: {machine.load_before}"
    )
    out.print()
    _print_start(result.start, out)
    total = sum(result.memory_mb.values())
    out.print(f"[bold]Memory[/bold]  {total:.0f} MB PSS in all {_aim(total < MEMORY_AIM_MB, 'under 2.5 GB')}")
    out.print(_memory_table(result.memory_mb))
    out.print()
    out.print("[bold]Latency[/bold] in ms, from the time each prediction was due")
    out.print(_latency_table(result.loads))
    out.print()
    out.print("[bold]Processor time[/bold] in ms a prediction (what idles meanwhile included)")
    out.print(_cpu_table(result.loads))


def _print_start(start: StartTimes, out: Console) -> None:
    if start.set_up_s is None:
        out.print(
            f"[bold]Start[/bold]  {start.first_trace_s} s from `faultline up` to the first trace (set-up not measured)"
        )
    else:
        aim = _aim(start.whole_s < START_AIM_S, "under 60 s")
        out.print(
            f"[bold]Start[/bold]  {start.whole_s:.1f} s from `make up` to the first trace, packages downloaded "
            f"(set-up {start.set_up_s} s, start {start.first_trace_s} s) {aim}"
        )
    out.print()


def _memory_table(memory_mb: dict[str, float]) -> Table:
    drawn = _table("process", "MB")
    for name, megabytes in sorted(memory_mb.items(), key=lambda item: -item[1]):
        drawn.add_row(name, f"{megabytes:.0f}")
    return drawn


def _latency_table(loads: list[LoadResult]) -> Table:
    columns = (
        "rate",
        "telemetry",
        "n",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "under 100 ms",
        "errors",
        "not sent",
        "degraded",
    )
    drawn = _table(*columns, "aim")
    for load in loads:
        drawn.add_row(*_latency_row(load))
    return drawn


def _latency_row(load: LoadResult) -> Iterator[str]:
    report = load.report
    yield f"{load.rate:g}/s"
    yield "on" if load.telemetry else "off"
    yield str(report["answered"])
    yield from (f"{report[key]:.1f}" for key in ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"))
    yield f"{report['under_objective']:.2%}"
    yield str(sum(report["failed"].values()))
    yield str(report["not_sent"])
    yield str(report["degraded"])
    aim = UNDER_AIM.get(load.rate)
    yield _aim(report["under_objective"] >= aim, f"{aim:.1%}") if aim else ""


def _cpu_table(loads: list[LoadResult]) -> Table:
    drawn = _table("process", *(f"{load.rate:g}/s {'on' if load.telemetry else 'off'}" for load in loads))
    names = sorted({name for load in loads for name in load.cpu_ms}, key=lambda name: -loads[0].cpu_ms.get(name, 0))
    for name in names:
        drawn.add_row(name, *(f"{load.cpu_ms[name]:.2f}" if name in load.cpu_ms else "" for load in loads))
    drawn.add_row("[bold]all[/bold]", *(f"[bold]{sum(load.cpu_ms.values()):.1f}[/bold]" for load in loads))
    return drawn


def _table(*columns: str) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        drawn.add_column(column, justify="right" if index else "left", no_wrap=True)
    return drawn


def _aim(met: bool, text: str) -> str:
    return f"[green]met: {text}[/green]" if met else f"[red]missed: {text}[/red]"
