"""The second half of the workshop "drift": the learner's alert, told stories by promtool, and their panel."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from lab.workshops import promtool
from lab.workshops.claims import Claim, unless

PSI = "feature_drift_psi"
LIMIT = 0.25
_METRIC = re.compile(r"\bfeature_\w+")  # a name that holds the word says nothing of which feature
_LEAD = "0.05x59"  # an hour of nothing
_ONE = [{"labels": "{}", "value": 1}]
_NONE: list[Any] = []


def alerts(folder: Path) -> list[str]:
    """Names of the alerts that read PSI; of all where none does (it may be recorded under another name)."""
    groups = (yaml.safe_load((folder / "rules.yml").read_bytes()) or {}).get("groups") or []
    rules = [rule for group in groups for rule in group.get("rules") or [] if "alert" in rule]
    read = [rule["alert"] for rule in rules if PSI in str(rule.get("expr"))]
    return read or [rule["alert"] for rule in rules]


def _is_rules(folder: Path) -> str:
    path = folder / "rules.yml"
    if not path.is_file():
        return "there is no rules.yml"
    if wrong := promtool.against_rules(path):
        return f"promtool refuses it: {wrong.splitlines()[-1].strip()}"
    return unless(bool(alerts(folder)), "rules.yml has no alert")


def _story(folder: Path, psi: str, *checks: tuple[str, bool]) -> bool:
    """Whether the alert on ``age`` fires just at the checked times; the other feature is calm throughout."""
    firing = f"(count({_firing(folder)}) > bool 0)"
    asked = [(at, firing, _ONE if fires else _NONE) for at, fires in checks]
    return not promtool.against_story(folder / "rules.yml", _series(psi), asked)


def _series(psi: str) -> dict[str, str]:
    return {f'{PSI}{{feature="age"}}': f"{_LEAD} {psi}", f'{PSI}{{feature="price_per_m2"}}': "0.05x300"}


def _firing(folder: Path) -> str:
    return f'ALERTS{{alertstate="firing", alertname=~"{"|".join(alerts(folder))}"}}'


def _quiet_below(folder: Path) -> str:
    return unless(_story(folder, "0.24x180", ("3h50m", False)), "it fires at a PSI of 0.24")


def _quiet_once(folder: Path) -> str:
    held = _story(folder, "0.4x14 0.05x120", *((at, False) for at in ("1h5m", "1h14m", "1h16m", "1h30m")))
    return unless(held, "it fires after a quarter of an hour at 0.4, which is one batch")


def _fires(folder: Path) -> str:
    held = _story(folder, "0.26x89 0.05x120", ("59m", False), ("2h5m", True), ("4h", False))
    return unless(held, "it does not fire after 65 minutes at 0.26, or does not end with them")


def _names(folder: Path) -> str:
    asked = [("2h5m", f"count by (feature) ({_firing(folder)}) > bool 0", [{"labels": '{feature="age"}', "value": 1}])]
    wrong = promtool.against_story(folder / "rules.yml", _series("0.4x89"), asked)
    return unless(not wrong, "with only age at 0.4, what fires is not labelled feature=age alone")


def _after_rules(claim: Callable[[Path], str]) -> Callable[[Path], str]:
    """The claim where there are rules to judge, else what is wrong with them."""
    return lambda folder: _is_rules(folder) or claim(folder)


def _panel(folder: Path) -> str:
    path = folder / "dashboard.json"
    try:
        board = json.loads(path.read_text())
    except OSError:
        return "there is no dashboard.json"
    except ValueError as error:
        return f"dashboard.json is no JSON: {error}"
    reading = [panel for panel in _panels(board) if any(PSI in text for text in _expressions(panel))]
    if not reading:
        return f"no panel's query reads {PSI}"
    if wrong := promtool.against_expressions([text for panel in reading for text in _expressions(panel)]):
        return f"promtool refuses the panel's query: {wrong.splitlines()[-1].strip()}"
    if not any("feature" in _METRIC.sub("", json.dumps(panel.get("targets"))) for panel in reading):
        return "the panel's legend does not say which feature: {{feature}}"
    return unless(any(LIMIT in _thresholds(panel) for panel in reading), f"the panel has no threshold at {LIMIT}")


def _panels(board: Any) -> Iterator[dict[str, Any]]:
    """Panels, those inside rows too, of a dashboard as it is saved or as Grafana's API wraps it."""
    whole = _object(board)
    for panel in _objects(_object(whole.get("dashboard", whole)).get("panels")):
        yield panel
        yield from _panels(panel)


def _expressions(panel: dict[str, Any]) -> list[str]:
    return [str(target["expr"]) for target in _objects(panel.get("targets")) if "expr" in target]


def _thresholds(panel: dict[str, Any]) -> list[float]:
    defaults = _object(_object(panel.get("fieldConfig")).get("defaults"))
    steps = _objects(_object(defaults.get("thresholds")).get("steps"))
    return [float(step["value"]) for step in steps if isinstance(step.get("value"), int | float)]


def _object(value: Any) -> dict[str, Any]:
    """It, where it is an object: what a learner wrote by hand may be anything."""
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


WATCH_CLAIMS: tuple[Claim[Path], ...] = (
    Claim("rules.yml is a rule file that promtool accepts", _is_rules),
    Claim("the alert is quiet at a PSI of 0.24", _after_rules(_quiet_below)),
    Claim("the alert is quiet after one bad batch", _after_rules(_quiet_once)),
    Claim("the alert fires within 65 minutes of a PSI of 0.26 and ends with it", _after_rules(_fires)),
    Claim("the alert names the feature and no other", _after_rules(_names)),
    Claim("dashboard.json shows PSI by feature with a threshold at 0.25", _panel),
)
