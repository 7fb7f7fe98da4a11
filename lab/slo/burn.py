"""Multi-window, multi-burn-rate rules (The Site Reliability Workbook, chapter 5; factors as Sloth generates them)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.slo.model import DAY, HOUR, MINUTE, Alert, Objective, Rule, Setting, duration, group, record


@dataclass(frozen=True)
class Burn:
    """Alert where the budget burns ``factor`` times too fast over both windows (seconds)."""

    factor: float
    long: int
    short: int
    severity: str


PAIRS = {
    30 * DAY: (
        Burn(14.4, HOUR, 5 * MINUTE, "page"),
        Burn(6.0, 6 * HOUR, 30 * MINUTE, "page"),
        Burn(3.0, DAY, 2 * HOUR, "ticket"),
        Burn(1.0, 3 * DAY, 6 * HOUR, "ticket"),
    ),
    7 * DAY: (
        Burn(13.44, HOUR, 5 * MINUTE, "page"),
        Burn(3.5, 6 * HOUR, 30 * MINUTE, "page"),
        Burn(1.4, DAY, 2 * HOUR, "ticket"),
        Burn(0.98, 3 * DAY, 6 * HOUR, "ticket"),
    ),
}
FAST = (Burn(14.4, 2 * MINUTE, 30, "page"),)
LEAST_BAD = 10  # bad events in the long window: with little traffic one slow request is a high rate


def burn_groups(objectives: list[Objective], setting: Setting) -> list[dict[str, Any]]:
    """A group of recording rules and one of alerts for each objective that burns in real time."""
    groups = []
    for each in objectives:
        if not each.marketplace_time:
            name, every = (f"slo-{each.name}-drill", "") if setting.fast else (f"slo-{each.name}", "15s")
            groups.append(group(name, _rules(each, setting), every))
    return groups


def _rules(objective: Objective, setting: Setting) -> list[Rule]:
    pairs = FAST if setting.fast else PAIRS[objective.window]
    windows = sorted({window for pair in pairs for window in (pair.long, pair.short)})
    rules = [_ratio(objective, window) for window in windows]
    if not setting.fast:
        rules += _budget(objective)
    return rules + _alerts(objective, pairs, setting)


def error_ratio(window: int) -> str:
    """Name of the series: share of bad events over a window, by ``slo``."""
    return f"slo:error_ratio:{duration(window)}"


def _ratio(objective: Objective, window: int) -> Rule:
    return record(error_ratio(window), ratio(objective, duration(window)), slo=objective.name)


def ratio(objective: Objective, window: str) -> str:
    """Share of bad events. Without events there is no sample, and nothing is said."""
    good, total = (text.replace("$window", window) for text in (objective.good, objective.total))
    return f"1 - ({good} or 0 * {total}) / ({total} > 0)"


def _budget(objective: Objective) -> list[Rule]:
    """What was promised, and how much of the window's budget is left: 1 whole, 0 spent, negative overspent."""
    window = duration(objective.window)
    return [
        record("slo:objective:ratio", f"vector({objective.objective:g})", slo=objective.name),
        record("slo:budget_left:ratio", f"1 - ({ratio(objective, window)}) / {objective.budget:g}", slo=objective.name),
    ]


def _alerts(objective: Objective, pairs: tuple[Burn, ...], setting: Setting) -> list[Rule]:
    """One alert a severity, as the workbook has it: its pairs are alternatives."""
    alerts = []
    for severity in ("page", "ticket"):
        mine = [pair for pair in pairs if pair.severity == severity]
        if mine:
            alerts.append(_alert(objective, mine, severity).rule(setting))
    return alerts


def _alert(objective: Objective, pairs: list[Burn], severity: str) -> Alert:
    quickest = pairs[0]
    share = quickest.factor * objective.budget
    return Alert(
        name=f"{objective.name.capitalize()}BudgetBurns",
        expr="\nor\n".join(_too_fast(objective, pair) for pair in pairs),
        held="0s",
        severity=severity,
        summary=f"{objective.title}: the budget burns too fast ({{{{ $value | humanizePercentage }}}} are bad)",
        dashboard=objective.dashboard,
        traces=objective.traces,
        fires_within=(
            f"{duration(quickest.long * quickest.factor * objective.budget)} where everything is bad;"
            f" needs {share:.2%} bad over {duration(quickest.long)} and over {duration(quickest.short)}"
        ),
        labels={"slo": objective.name},
    )


def _too_fast(objective: Objective, pair: Burn) -> str:
    label, limit = f'{{slo="{objective.name}"}}', f"{pair.factor:g} * {objective.budget:g}"
    total = objective.total.replace("$window", duration(pair.long))
    return (
        f"({error_ratio(pair.long)}{label} > {limit} and {error_ratio(pair.short)}{label} > {limit}"
        f" and {error_ratio(pair.long)}{label} * on () group_left () ({total}) * {pair.long} >= {LEAST_BAD})"
    )
