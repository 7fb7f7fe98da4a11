"""The checker of the workshop "drift": scores, an alert and a panel for a batch job."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.place import LabError
from lab.workshops import batches, scores
from lab.workshops.batches import MOVED, Columns
from lab.workshops.claims import Claim, Point, judged, unless
from lab.workshops.drift_watch import LIMIT, PSI, WATCH_CLAIMS
from lab.workshops.output import Page, page
from lab.workshops.program import job

KS, ROWS, STAMP = "feature_drift_ks", "feature_batch_rows", "feature_batch_timestamp_seconds"
CALM = 0.1
# PSI differs a little between fair ways to treat ties and small bins.
_PSI_APART, _PSI_SHARE, _KS_APART = 0.02, 0.1, 0.01
_CLOCK_S = 600.0


@dataclass(frozen=True)
class Run:
    """The job on one batch: what it said wrong, the features it made, and its page of metrics."""

    wrong: str
    raw: Columns
    made: Columns
    metrics: Page

    def scored(self, name: str, feature: str) -> float:
        """A feature's score, NaN where there is none."""
        found = self.metrics.of(name, feature=feature)
        return found[0][1] if found else math.nan


@dataclass(frozen=True)
class Evidence:
    """What runs of the learner's job left."""

    reference: Columns
    runs: Mapping[str, Run]

    def expected(self, run: str, score: Callable[..., float]) -> dict[str, float]:
        now = batches.features(self.runs[run].raw)
        return {name: score(self.reference[name], now[name]) for name in now}


def check(folder: Path, scratch: Path) -> list[Point]:
    """Run the job in ``folder`` on batches of ours and judge it. Raises LabError without its reference."""
    return [*judged(CLAIMS, gather(folder, scratch)), *judged(WATCH_CLAIMS, folder)]


def gather(folder: Path, scratch: Path) -> Evidence:
    """What runs of the job leave; its files go to ``scratch``."""
    try:
        reference = batches.read(folder / "reference.csv")
    except (OSError, ValueError) as error:
        raise LabError(
            f"reference.csv cannot be read: {error}", "Copy it from a new folder of the workshop."
        ) from error
    filled = {name for name, values in reference.items() if values.size}
    if lacking := {*batches.features(batches.quiet(0, 1))} - filled:
        raise LabError(
            f"reference.csv lacks {', '.join(sorted(lacking))}.", "Copy it from a new folder of the workshop."
        )
    seed = int(time.time())  # another batch each time: nobody learns ours by heart
    given = {
        "undrifted": batches.quiet(seed), "drifted": batches.drifted(seed + 1),
        "collapsed": batches.collapsed(seed + 2), "short": batches.quiet(seed + 3, batches.SHORT),
    }  # fmt: skip
    runs = {name: _run(folder, scratch, name, raw) for name, raw in given.items()}
    return Evidence(reference, runs)


def _run(folder: Path, scratch: Path, name: str, raw: Columns) -> Run:
    batch, made, metrics = (scratch / f"{name}.{end}" for end in ("csv", "features.csv", "prom"))
    batches.write(batch, raw)
    wrong = job(folder, ("job.py", str(batch), str(made), "--metrics", str(metrics)))
    try:
        columns: Columns = batches.read(made)
    except (OSError, ValueError):
        columns = {}
    told = (
        page(metrics.read_text(errors="replace"))
        if metrics.is_file()
        else Page(problem="the job writes no file at --metrics")
    )
    return Run(wrong, raw, columns, told)


def _works(seen: Evidence) -> str:
    for name, run in seen.runs.items():
        if run.wrong:
            return f"on the {name} batch {run.wrong}"
        for feature, values in batches.features(run.raw).items():
            made = run.made.get(feature)
            if made is None or made.shape != values.shape or not np.allclose(made, values, rtol=1e-6):
                return f"of the {name} batch the column {feature} is not what it was"
    return ""


def _written(seen: Evidence) -> str:
    return next((run.metrics.problem for run in seen.runs.values() if run.metrics.problem), "")


def _scored(seen: Evidence) -> str:
    return _lacking(seen, PSI)


def _lacking(seen: Evidence, name: str) -> str:
    lacking = [each for each in seen.reference if not math.isfinite(seen.runs["undrifted"].scored(name, each))]
    return unless(not lacking, f'there is no {name}{{feature="{lacking[0] if lacking else ""}"}}')


def _calm(seen: Evidence) -> str:
    return _psi_apart(seen, "undrifted") or next(
        (
            f"PSI of {each} is {seen.runs['undrifted'].scored(PSI, each):.3f} on a batch that has not drifted"
            for each in seen.reference
            if seen.runs["undrifted"].scored(PSI, each) >= CALM
        ),
        "",
    )


def _moved(seen: Evidence) -> str:
    if apart := _psi_apart(seen, "drifted"):
        return apart
    over = {each for each in seen.reference if seen.runs["drifted"].scored(PSI, each) > LIMIT}
    return unless(
        over == MOVED, f"over {LIMIT} are {', '.join(sorted(over)) or 'none'}, not {', '.join(sorted(MOVED))}"
    )


def _psi_apart(seen: Evidence, run: str) -> str:
    for feature, value in seen.expected(run, scores.psi).items():
        found = seen.runs[run].scored(PSI, feature)
        if math.isnan(found):
            return f"{feature} has no PSI on the {run} batch, and {value:.3f} by our count"
        if not abs(found - value) <= _PSI_APART + _PSI_SHARE * value:
            return f"PSI of {feature} on the {run} batch is {found:.3f}, and {value:.3f} by our count"
    return ""


def _finite(seen: Evidence) -> str:
    found = seen.runs["collapsed"].scored(PSI, "age")
    if math.isnan(found):
        return "age has no PSI where all rows lie in one bin of ten, the rest empty"
    return unless(
        math.isfinite(found) and found > 1,
        f"PSI of age is {found:g} where all rows lie in one bin of ten, the rest empty",
    )


def _distant(seen: Evidence) -> str:
    if lacking := _lacking(seen, KS):
        return lacking
    for run in ("undrifted", "drifted"):
        for feature, value in seen.expected(run, scores.ks).items():
            found = seen.runs[run].scored(KS, feature)
            if not abs(found - value) <= _KS_APART:
                return f"KS of {feature} on the {run} batch is {found:.3f}, and {value:.3f} by our count"
    return ""


def _unscored(seen: Evidence) -> str:
    if missing := _written(seen):
        return missing
    scored = [each for each in seen.reference if math.isfinite(seen.runs["short"].scored(PSI, each))]
    return unless(not scored, f"a batch of {batches.SHORT} rows has a PSI; of so few it says nothing")


def _published(seen: Evidence) -> str:
    run = seen.runs["undrifted"]
    rows, at = run.metrics.of(ROWS), run.metrics.of(STAMP)
    if not rows or rows[0][1] != batches.ROWS:
        return f"{ROWS} is {rows[0][1] if rows else 'absent'}; the batch had {batches.ROWS}"
    return unless(
        bool(at) and abs(at[0][1] - time.time()) < _CLOCK_S, f"{STAMP} is absent, or not the time of the batch"
    )


CLAIMS: tuple[Claim[Evidence], ...] = (
    Claim("the job makes the same features as before", _works),
    Claim("a metrics file is written in Prometheus' text format", _written),
    Claim("every feature has a PSI", _scored),
    Claim("PSI of an undrifted batch agrees and stays under 0.1", _calm),
    Claim("PSI of a drifted batch agrees, and only the features that moved are over 0.25", _moved),
    Claim("PSI stays finite where bins are empty", _finite),
    Claim("every feature has a KS that agrees", _distant),
    Claim("a short batch is not scored", _unscored),
    Claim("rows and time of the batch are published", _published),
)
