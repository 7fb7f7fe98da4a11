"""``faultline replay``: practice on a recorded case, without running anything."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Annotated

import typer

from lab.campaign.cases import Recorded, recorded
from lab.campaign.truth import Truth
from lab.cli.campaign import Folder, folder_of
from lab.cli.output import console, table
from lab.cli.waterfall import print_waterfall
from lab.diagnosis.profile import observe
from lab.diagnosis.trace import Trace
from lab.diagnosis.window import Window
from lab.drills.choices import ensure_known
from lab.drills.grading import FULL, Answer, grade
from lab.drills.proof import shows
from lab.drills.solution import Own, work_out
from lab.drills.words import complaint
from lab.place import LabError

_LINES, _TRACES = 8, 5


def replay(
    case: Annotated[
        str, typer.Argument(help="A case's code, or its id (which tells the answer); any if left out.")
    ] = "",
    folder: Folder = "",
    trace: Annotated[str, typer.Option(help="Draw this trace of the case, with its log lines.")] = "",
    service: Annotated[str, typer.Option(help="Your answer: where.")] = "",
    operation: Annotated[str, typer.Option(help="Your answer: in which operation.")] = "",
    kind: Annotated[str, typer.Option(help='Your answer: of which kind, or "nothing".')] = "",
    evidence: Annotated[str, typer.Option(help="Your answer: the id of a trace that shows it.")] = "",
) -> None:
    """Practise on a recorded case: look at it, then give --kind and the rest to be told.

    [dim]Examples:[/dim]
      faultline replay
      faultline replay 3fa2c1 --trace 5b8efff798038103d269b633813fc60c
      faultline replay 3fa2c1 --kind nothing
    """
    found = _find(folder_of(folder), case)
    if trace:
        _draw(found.window(), trace.strip().lower())
    elif kind:
        _tell(found, Answer(service, operation, kind, evidence.strip().lower()))
    elif service or operation or evidence:
        raise LabError("An answer needs its --kind; nothing was counted.", 'Say --kind nothing where "nothing" is it.')
    else:
        _show(found)


def code_of(found: Recorded) -> str:
    """A name of a case that tells nothing."""
    return hashlib.sha256(found.case.id.encode()).hexdigest()[:6]


def _find(folder: Path, case: str) -> Recorded:
    cases = list(recorded(folder))
    if not cases:
        raise LabError(f"There are no cases in {folder}.", "`faultline campaign` records some.")
    if not case:
        return random.SystemRandom().choice(cases)
    found = next((each for each in cases if case in (each.case.id, code_of(each))), None)
    if found is None:
        raise LabError(f"There is no case {case[:60]!r}.", f"`faultline replay` opens one of {len(cases)}.")
    return found


def _truths(found: Recorded) -> list[Truth]:
    return [] if found.truth.fault == "none" else [found.truth]


def _show(found: Recorded) -> None:
    window, out, code = found.window(), console(), code_of(found)
    out.print(f"Case {code}.", markup=False)
    out.print(complaint(_truths(found), int(found.injected_s)), markup=False, soft_wrap=True)
    before = observe(window.before.traces)
    rows = [
        (service, place, f"{seen.mean_whole():.1f}", f"{before[service, place].mean_whole():.1f}", str(seen.count))
        for (service, place), seen in sorted(observe(window.now.traces).items()) if (service, place) in before
    ]  # fmt: skip
    out.print(table(("service", "operation", "ms", "ms before", "spans"), rows, right=("ms", "ms before", "spans")))
    out.print(table(("trace", "root", "ms", "errors"), map(_trace_row, _first(window)), right=("ms", "errors")))
    for line in [line for line in window.now.logs if not line.quiet][:_LINES]:
        out.print(str(line), markup=False, soft_wrap=True)
    out.print(f"Look: faultline replay {code} --trace ID. Then: --service S --operation O --kind K --evidence ID")


def _first(window: Window) -> list[Trace]:
    """What to look at first: traces with errors, then the slowest."""
    listed = sorted(window.now.traces, key=lambda each: (-_errors(each), -each.root.duration_ms))
    slowest = sorted(window.now.predictions, key=lambda each: -each.root.duration_ms)
    failing = [each for each in listed[:_TRACES] if _errors(each)]
    return [*failing, *(each for each in slowest[:_TRACES] if each not in failing)]


def _errors(trace: Trace) -> int:
    return sum(span.status == "error" for span in trace.spans)


def _trace_row(trace: Trace) -> tuple[str, ...]:
    root = trace.root
    return trace.trace_id, f"{root.service} {root.name}", f"{root.duration_ms:.0f}", str(_errors(trace) or "")


def _draw(window: Window, trace_id: str) -> None:
    spans = window.now.raw_traces.get(trace_id) or window.before.raw_traces.get(trace_id)
    if not spans:
        raise LabError(f"There is no trace {trace_id[:60]} in this case.", "`faultline replay CASE` lists some.")
    out = console()
    print_waterfall(spans, out)
    for line in [*window.before.logs, *window.now.logs]:
        if line.trace_id == trace_id:
            out.print(str(line), markup=False, soft_wrap=True)


def _tell(found: Recorded, said: Answer) -> None:
    ensure_known([said])
    window, truths, out = found.window(), _truths(found), console()
    spans = window.now.raw_traces.get(said.evidence) or window.before.raw_traces.get(said.evidence, [])
    if said.evidence and not spans:
        raise LabError(f"There is no trace {said.evidence[:60]} in this case.", "`faultline replay CASE` lists some.")
    usual = observe(window.before.traces)
    shown = [shows(spans, truth, usual, window.now.start_s) for truth in truths]
    marks = grade([said], truths, [shown], hints=0, minutes=0.0)
    out.print(f"{marks.total:g} of {FULL:g} marks, {marks.evidence:g} of them for the evidence trace.", markup=False)
    out.print(f"It was case {found.case.id}.", markup=False)
    for line in work_out(window, truths, Own((tuple(spans),))).lines:
        out.print(
            line.replace("`faultline trace ", f"`faultline replay {code_of(found)} --trace "),
            markup=False, soft_wrap=True,
        )  # fmt: skip
