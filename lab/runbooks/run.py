"""Running a runbook: each step's answer beside its expectation, and the row of the table they point to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from lab.place import LabError
from lab.runbooks.ask import ask
from lab.runbooks.firing import fill
from lab.runbooks.model import Runbook, Step
from lab.runbooks.sources import Sources

WINDOW_S = 60.0

Result = dict[str, Any]


def run_step(
    sources: Sources,
    runbook: Runbook,
    number: int,
    labels: Mapping[str, str],
    at: float | None = None,
    window_s: float = WINDOW_S,
) -> Result:
    """One step's answer: JSON with ``rows``, ``holds`` (None where it could not be asked, with the ``error``).

    ``labels`` are the alert's; ``at`` is a Unix time (now if None); ``window_s`` takes the place of each ``[1m]``.
    Raises LabError for a step that is not there, and for labels that cannot stand in a query.
    """
    step = runbook.step(number)
    if step is None:
        raise LabError(f"{runbook.alert} has no step {number}.", f"It has {len(runbook.steps)}.")
    query = fill(step.query, labels)
    told = {**step.as_json(), "query": query}
    try:
        moment = time.time() if at is None else at
        found = ask(sources, step.language, query, moment, window_s, live=at is None)
    except LabError as error:
        return {**told, "columns": [], "rows": [], "total": 0, "holds": None, "error": str(error)}
    holds = step.expect.holds(found.values, found.total)
    rows = [list(row) for row in found.rows]
    return {
        **told,
        "columns": list(found.columns),
        "rows": rows,
        "total": found.total,
        "holds": holds,
        "error": None,
    }


def run(
    sources: Sources,
    runbook: Runbook,
    labels: Mapping[str, str],
    at: float | None = None,
    window_s: float = WINDOW_S,
) -> dict[str, Any]:
    """Every step, and ``branch``: the row of the table that they point to, or None where they point to nothing."""
    moment = time.time() if at is None else at
    results = [run_step(sources, runbook, step.number, labels, at, window_s) for step in runbook.steps]
    index = runbook.branch(_held(runbook.steps, results))
    branch = None if index is None else {"row": index, **runbook.table[index].as_json()}
    return {"alert": runbook.alert, "labels": dict(labels), "at": moment, "steps": results, "branch": branch}


def _held(steps: tuple[Step, ...], results: list[Result]) -> dict[str, bool | None]:
    return {step.name: result["holds"] for step, result in zip(steps, results, strict=True)}
