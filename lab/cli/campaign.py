"""``faultline campaign``, ``export``, ``score`` and ``replay``: recorded cases."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lab.campaign import baselines
from lab.campaign.cases import Recorded, recorded
from lab.campaign.export import export as write_export
from lab.campaign.plan import plan
from lab.campaign.record import Recorder, Times
from lab.campaign.score import GRAINS, Cause, Graded, Share, accuracy, average, false_alarms
from lab.cli.output import AsJson, console, print_json, table, working
from lab.clients.backends import Backends
from lab.clients.http import LONG_TIMEOUT_S, open_client
from lab.diagnosis.profile import observe
from lab.drills.grading import Answer, grade
from lab.drills.open import ensure_open
from lab.drills.solution import solution
from lab.drills.words import complaint
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place
from lab.stack import require_up

_SHOWN = 8

Folder = Annotated[str, typer.Option(help="Where the cases are kept; in the run folder unless given.")]


def campaign(
    folder: Folder = "",
    seed: Annotated[int, typer.Option(help="Draws places, intensities and the order.")] = 8,
    each: Annotated[int, typer.Option(min=1, help="Cases a fault.")] = 2,
    only: Annotated[str, typer.Option(help="Only cases whose name holds this text.")] = "",
    window: Annotated[float, typer.Option(min=10, help="Seconds of a fault's window.")] = 40.0,
) -> None:
    """Record cases for the benchmark and for practice; what is there is not recorded again.

    [dim]Examples:[/dim]
      faultline campaign
      faultline campaign --each 1 --only crash-loop
    """
    place = Place.from_environment()
    ensure_open(place)
    require_up(place)
    out = console()
    cases = [case for case in plan(ROWS.values(), seed, each) if only in case.id]
    with open_client(LONG_TIMEOUT_S) as http:
        backends = Backends.of(place, http)
        recorder = Recorder(place, backends, _folder(folder), Times(fault_s=window), partial(out.print, markup=False))
        count = recorder.run(cases)
    out.print(f"{count} cases recorded, {len(cases)} in all.")


def export(
    target: Annotated[Path, typer.Argument(help="The folder to write.")],
    folder: Folder = "",
) -> None:
    """Write recorded cases in RCAEval's layout, with spans and predictions as Parquet.

    [dim]Example:[/dim]
      faultline export /tmp/faultline-cases
    """
    with working("Writing cases"):
        count = write_export(recorded(_folder(folder)), target)
    console().print(f"{count} cases written to {target}.", markup=False)


def score(
    answers: Annotated[
        Path, typer.Argument(help='Lines such as {"case": ID, "ranking": [[SERVICE, OPERATION, KIND]]}.')
    ],
    folder: Folder = "",
    as_json: AsJson = False,
) -> None:
    """Rate anyone's rankings on the recorded cases, baselines beside them.

    [dim]Example:[/dim]
      faultline score answers.jsonl
    """
    said = _rankings(answers)
    cases = list(recorded(_folder(folder)))
    unknown = said.keys() - {case.case.id for case in cases}
    if unknown:
        raise LabError(f"There is no case {sorted(unknown)[0]!r}.", "`faultline campaign` records some.")
    with working("Answering the same cases by three sigma"):
        methods = {
            "yours": [Graded(c.case.id, c.truth, said.get(c.case.id, [])) for c in cases],
            "three sigma": [Graded(c.case.id, c.truth, baselines.three_sigma(c.window())) for c in cases],
        }
    rows = [
        (name, grain, accuracy(graded, grain, 1), accuracy(graded, grain, 3), average(graded, grain))
        for name, graded in methods.items() for grain in GRAINS
    ]  # fmt: skip
    alarms = false_alarms(methods["yours"])
    if as_json:
        print_json({"answers": [_score_json(*row) for row in rows], "false_alarms": _share_json(alarms)})
        return
    shown = [(name, grain, str(first), str(third), f"{mean:.2f}") for name, grain, first, third, mean in rows]
    console().print(table(("answers", "right about", "AC@1", "AC@3", "Avg@5"), shown))
    console().print(f"False alarms: {alarms}", markup=False)


def replay(
    case: Annotated[str, typer.Argument(help="A case's id.")],
    folder: Folder = "",
    service: Annotated[str, typer.Option(help="Your answer: where.")] = "",
    operation: Annotated[str, typer.Option(help="Your answer: in which operation.")] = "",
    kind: Annotated[str, typer.Option(help='Your answer: of which kind, or "nothing".')] = "",
) -> None:
    """Practise on a recorded case: look at it, then give --kind and the rest to be told.

    [dim]Examples:[/dim]
      faultline replay healthy-01
      faultline replay healthy-01 --kind nothing
    """
    found = next((each for each in recorded(_folder(folder)) if each.case.id == case), None)
    if found is None:
        raise LabError(f"There is no case {case!r}.", "`faultline campaign` records some.")
    if kind:
        _tell(found, Answer(service, operation, kind))
    else:
        _show(found)


def _show(found: Recorded) -> None:
    window, out = found.window(), console()
    truths = [] if found.truth.fault == "none" else [found.truth]
    out.print(complaint(truths, int(found.injected_s)), markup=False, soft_wrap=True)
    before = observe(window.before.traces)
    rows = [
        (service, place, f"{seen.mean_whole():.1f}", f"{before[service, place].mean_whole():.1f}", str(seen.count))
        for (service, place), seen in sorted(observe(window.now.traces).items()) if (service, place) in before
    ]  # fmt: skip
    out.print(table(("service", "operation", "ms", "ms before", "spans"), rows, right=("ms", "ms before", "spans")))
    for line in [line for line in window.now.logs if line.level not in ("INFO", "DEBUG")][:_SHOWN]:
        out.print(f"{line.service} {line.level} {line.body.splitlines()[0]}", markup=False, soft_wrap=True)


def _tell(found: Recorded, said: Answer) -> None:
    truths = [] if found.truth.fault == "none" else [found.truth]
    marks = grade([said], truths, [[False]], hints=0, minutes=0.0)
    out = console()
    out.print(f"{marks.total:g} of 100 marks (no evidence trace is asked of a recording).", markup=False)
    for line in solution(found.window(), truths):
        out.print(line, markup=False, soft_wrap=True)


def _score_json(name: str, grain: str, first: Share, third: Share, mean: float) -> dict[str, object]:
    return {"answers": name, "right_about": grain, "ac1": _share_json(first), "ac3": _share_json(third), "avg5": mean}


def _share_json(share: Share) -> dict[str, object]:
    return {"value": share.value, "interval": share.interval, "hits": share.hits, "cases": share.count}


def _rankings(path: Path) -> dict[str, list[Cause]]:
    """Rankings by case. Raises LabError for what is no such file."""
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return {row["case"]: [(str(a), str(b), str(c)) for a, b, c in row["ranking"]] for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"{path} holds no answers: {error}", "One JSON object a line, as --help says.") from error


def _folder(folder: str) -> Path:
    return Path(folder) if folder else Place.from_environment().run_dir / "campaign"
