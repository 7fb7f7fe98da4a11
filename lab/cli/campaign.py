"""``faultline campaign``, ``export`` and ``score``: recorded cases."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lab.campaign.baselines import rankings
from lab.campaign.cases import recorded
from lab.campaign.export import export as write_export
from lab.campaign.plan import plan
from lab.campaign.record import Recorder, Times
from lab.campaign.score import GRAINS, Cause, Graded, Share, accuracy, average, false_alarms
from lab.cli.output import AsJson, console, print_json, table, working
from lab.clients.backends import Backends
from lab.clients.http import LONG_TIMEOUT_S, open_client
from lab.drills.open import ensure_open
from lab.faults.catalogue import ROWS
from lab.place import LabError, Place
from lab.stack import require_up

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
        recorder = Recorder(place, backends, folder_of(folder), Times(fault_s=window), partial(out.print, markup=False))
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
    cases = list(recorded(folder_of(folder)))
    if not cases:
        raise LabError(f"There are no cases in {folder_of(folder)}.", "`faultline campaign` records some.")
    with working("Writing cases"):
        try:
            count = write_export(cases, target)
        except OSError as error:
            raise LabError(f"{target} cannot be written: {error.strerror}.", "Name another folder.") from error
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
    cases = list(recorded(folder_of(folder)))
    unknown = said.keys() - {case.case.id for case in cases}
    if unknown:
        raise LabError(f"There is no case {sorted(unknown)[0]!r}.", "`faultline campaign` records some.")
    if not cases:
        raise LabError(f"There are no cases in {folder_of(folder)}.", "`faultline campaign` records some.")
    methods = {"yours": [Graded(c.case.id, c.truth, said.get(c.case.id, [])) for c in cases]}
    with working("Answering the same cases by the baselines"):
        for case in cases:
            for name, ranking in rankings(case.case.id, case.window()).items():
                methods.setdefault(name, []).append(Graded(case.case.id, case.truth, ranking))
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


def folder_of(folder: str) -> Path:
    """The campaign's folder: the one that is named, else the run folder's."""
    return Path(folder) if folder else Place.from_environment().run_dir / "campaign"
