"""docs/runbooks.md: what a runbook looks like, and how often each pointed to the fault that was there."""

from __future__ import annotations

from collections.abc import Sequence

from lab.faults.catalogue import ROWS
from lab.runbooks.library import load, page_of
from lab.runbooks.pairs import Pair

_HEAD = """# Runbooks

Each alert has one: `docs/runbooks/ALERT.md`, served at `/runbooks/ALERT`, shown by `faultline runbook ALERT`, executed
by `faultline runbook ALERT --run` with the labels of the firing alert. Each kind of fault has a page under
[faults/](faults/queueing.md).

![A runbook in the console: each block is run where it stands](images/runbook.png)

## What a runbook looks like

- Front matter: `alert`, `severity`, `slo`, `causes` (ids of the [faults](faults.md) that make it fire), `dashboards`.
  `also` are faults that the table leads to as well, though alone they make the alert fire only on a machine that is
  short of time, or later than a practice lasts.
- Six headings: Meaning, Impact, Diagnosis, Mitigation, Prevention, Decision table.
- A step of the diagnosis is a heading `### 1. name`, a question, one block of `promql`, `traceql`, `logql` or
  `faultline`, and below it when it holds, in a sentence that people and the runner read alike:
  `Holds if any value > 0.1 seconds.`, `Holds if every value < 0.8.`, `Holds if rows > 2.`, `Holds if it exits with 1.`
- `[1m]` is the window; `--window 30s` puts another in its place. `=~"$service_name"` becomes the alert's label, or any.
- A row of the decision table names the steps that hold, those that must not, and one kind of fault. The first row that
  fits is the branch. A step of one name asks the same thing in every runbook.
- A command of the Mitigation is run live against each fault that it is for: [what was seen](mitigations.md).

## How well they point

Written by `python -m lab.runbooks.check --write` from a recorded tour: every runbook that names a fault was
run at a moment when that fault was on, and every runbook at moments when nothing was. A pair is right where the branch
leads to that fault's kind, on the healthy system where there is none. A moment counts as healthy where no fault was on,
98 % of the answers were complete, 60 % came within 100 ms and no service was over its budget of series: on a machine
that others overload, and after a fault that leaves series behind, not every one is.

"""


# Pairs of (alert, fault) that telemetry cannot tell apart, and why.
REASONS: dict[tuple[str, str], str] = {}

_MILLISECONDS = (
    "some milliseconds more leave nearly all answers within 100 ms; where a machine has none to spare, "
    "LatencyBudgetBurns fires and its table leads to it"
)
# Faults that make no alert fire, and why: a user's complaint or a look at a trace finds them.
UNSEEN = {
    "n-plus-one": _MILLISECONDS,
    "stampede": _MILLISECONDS,
    "sequential": _MILLISECONDS,
    "connection-churn": _MILLISECONDS,
    "over-shedding": "a refusal counts in no objective",
    "silent-fallback": "a typical photo moves answers little: for 110 days of the fast clock precision held",
    "lost-thread-context": "every call between services is traced; only what a thread does lies apart",
    "clock-skew": "no metric is measured by two clocks; a trace's picture is",
}


def markdown(found: Sequence[Pair]) -> str:
    """The whole page."""
    ill = [each for each in found if each.fault]
    well = [each for each in found if not each.fault]
    wrong = [each for each in ill if not each.right]
    moments = len({each.at for each in well})
    lines = [
        _HEAD,
        f"- {len(ill) - len(wrong)} of {len(ill)} pairs of alert and fault point to the fault's kind.",
        f"- {sum(each.right for each in well)} of {len(well)} runs, at {moments} healthy moments, point to nothing.",
        "",
        "| alert | fault | kind | pointed to | fires of it alone | |",
        "|---|---|---|---|---|---|",
        *(_line(each) for each in sorted(ill, key=lambda each: (each.alert, each.fault))),
        "",
        "## Where telemetry does not tell",
        "",
        *([f"- {alert}, {fault}: {reason}" for (alert, fault), reason in REASONS.items()] or ["- Nowhere."]),
        *_healthy(well),
        "",
        "## Faults that no alert shows",
        "",
        *(f"- {fault}: {reason}. See [{ROWS[fault].kind}]({_kind(fault)})." for fault, reason in UNSEEN.items()),
    ]
    return "\n".join(lines) + "\n"


def _kind(fault: str) -> str:
    return f"faults/{page_of(ROWS[fault].kind)}.md"


def _line(each: Pair) -> str:
    fires = "yes" if each.fault in load(each.alert).causes else "no"
    cells = (each.alert, each.fault, each.expected, each.pointed or "nothing", fires, "" if each.right else "**no**")
    return f"| {' | '.join(cells)} |"


def _healthy(well: Sequence[Pair]) -> list[str]:
    """What points somewhere although nothing was on."""
    counted: dict[tuple[str, str], int] = {}
    for each in well:
        if not each.right:
            counted[each.alert, each.pointed] = counted.get((each.alert, each.pointed), 0) + 1
    return [
        f"- {alert} on the healthy system: {kind}, {count} times" for (alert, kind), count in sorted(counted.items())
    ]
