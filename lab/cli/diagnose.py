"""``faultline diagnose``: find the root cause in telemetry alone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from lab.cli.look import seconds
from lab.cli.output import AsJson, console, print_json, working
from lab.clients.backends import Backends
from lab.clients.http import LONG_TIMEOUT_S, open_client
from lab.clients.tempo import Tempo
from lab.diagnosis import Diagnosis, Window, collect
from lab.diagnosis import diagnose as find_cause
from lab.diagnosis.calibration import worth
from lab.diagnosis.explain import explain
from lab.diagnosis.one_trace import report, sentences
from lab.diagnosis.recording import load_window
from lab.place import LabError, Place


def diagnose(
    trace: Annotated[str, typer.Option(help="Take this one trace apart.")] = "",
    since: Annotated[str, typer.Option(help="The window to explain: 90s, 5m.")] = "5m",
    baseline: Annotated[str, typer.Option(help="How much of the time before it was normal.")] = "10m",
    case: Annotated[str, typer.Option(help="A recorded case's folder instead of the running system.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what is wrong, where and how sure, from traces, logs and metrics; or that nothing is.

    [dim]Examples:[/dim]
      faultline diagnose
      faultline diagnose --since 90s --baseline 5m --json
      faultline diagnose --trace 5b8efff798038103d269b633813fc60c
    """
    if trace:
        _one_trace(trace, as_json)
        return
    with working("Reading traces, logs and series"):
        found = find_cause(_recorded(Path(case)) if case else _live(seconds(since), seconds(baseline)))
    if as_json:
        print_json(as_document(found))
        return
    for index, line in enumerate(explain(found)):
        console().print(Text(line, style="bold" if index == 1 else ""), soft_wrap=True)


def as_document(found: Diagnosis) -> dict[str, object]:
    """A diagnosis as JSON: the ranking with confidence and evidence, what the first confidence is worth, and limits."""
    sure = found.nothing if found.healthy else found.ranking[0].confidence
    step = worth(sure)
    return {"healthy": found.healthy, "worth": step and {**asdict(step), "share": step.share}, **asdict(found)}


def _live(since_s: float, baseline_s: float) -> Window:
    place = Place.from_environment()
    with open_client(LONG_TIMEOUT_S) as http:
        backends = Backends.of(place, http)
        return collect(backends, since_s, baseline_s)


def _recorded(folder: Path) -> Window:
    try:
        return load_window(folder / "fault.json.gz", folder / "normal.json.gz")
    except (OSError, ValueError, KeyError) as error:
        raise LabError(f"{folder} holds no recorded case: {error}", "`faultline campaign` records some.") from error


def _one_trace(trace_id: str, as_json: bool) -> None:
    with open_client(LONG_TIMEOUT_S) as http:
        spans = Tempo(Place.from_environment().url("tempo"), http).trace(trace_id)
    if not spans:
        raise LabError(f"There is no trace {trace_id}.", "`faultline traces` lists some.")
    told = report(spans)
    if as_json:
        print_json(asdict(told))
        return
    for line in sentences(told):
        console().print(line, markup=False, soft_wrap=True)
