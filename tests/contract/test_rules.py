"""Rules are what deploy/slo.yaml says, and each alert fires when it should, stays quiet below, and resolves."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import semconv
from lab.slo.model import Setting, duration, read_objectives
from lab.slo.page import alerts_of, page
from lab.slo.render import render
from tests.contract.rule_cases import CASES, Case
from tests.contract.source import ROOT

OBJECTIVES = read_objectives(ROOT / "deploy/slo.yaml")
SCALED = Setting(scale=1440)  # a week of labels is seven minutes
DRILLS = replace(SCALED, fast=True)
EXTERNAL = re.compile(r"^(redis|traces_service_graph|scrape|up$|ALERTS|telemetry_store)")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules")
    for name, text in {**render(OBJECTIVES, SCALED), **render(OBJECTIVES, DRILLS)}.items():
        (folder / name).write_text(text)
    return folder


def promtool(*words: str | Path) -> str:
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert} {case.labels}")
def test_the_alert_is_quiet_below_fires_above_and_resolves(case: Case, rules: Path, tmp_path: Path) -> None:
    test = {
        "rule_files": [str(path) for path in sorted(rules.glob("*.yml"))],
        "evaluation_interval": f"{case.step}s",
        "tests": [case.test()],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test, sort_keys=False))
    promtool("test", "rules", tmp_path / "test.yml")


def test_every_alert_has_a_case_in_each_set_it_is_in() -> None:
    told = {(case.alert, 'set="drill"' in case.labels) for case in CASES}
    slow, fast = (alerts_of(render(OBJECTIVES, setting)) for setting in (SCALED, DRILLS))
    assert {(rule["alert"], False) for rule in slow} | {(rule["alert"], True) for rule in fast} == told


@pytest.mark.parametrize(
    ("folder", "setting"), [("rules", Setting()), ("drills", Setting(fast=True))], ids=["rules", "drills"]
)
def test_what_is_checked_in_is_what_is_generated(folder: str, setting: Setting) -> None:
    found = {path.name: path.read_text() for path in (ROOT / "deploy/prometheus" / folder).glob("*.yml")}
    assert found == render(OBJECTIVES, setting), "run python -m lab.slo"


def test_the_page_is_what_is_generated() -> None:
    assert (ROOT / "docs/slo.md").read_text() == page(OBJECTIVES, Setting()), "run python -m lab.slo"


@pytest.mark.parametrize("setting", [Setting(), Setting(scale=60), SCALED, DRILLS], ids=repr)
def test_promtool_takes_the_rules_at_every_speed_of_the_clock(setting: Setting, tmp_path: Path) -> None:
    for name, text in render(OBJECTIVES, setting).items():
        (tmp_path / name).write_text(text)
    promtool("check", "rules", *tmp_path.glob("*.yml"))


def every_alert() -> list[dict[str, Any]]:
    return alerts_of({**render(OBJECTIVES, SCALED), **render(OBJECTIVES, DRILLS)})


@pytest.mark.parametrize("rule", every_alert(), ids=lambda rule: rule["alert"])
def test_whoever_is_woken_knows_where_to_look(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert notes["runbook_url"] == f"http://localhost:8080/runbooks/{rule['alert']}"
    board = notes["dashboard_url"].rpartition("/")[2]
    assert (ROOT / f"deploy/grafana/dashboards/{board}.json").exists()
    assert notes["traces_query"].startswith("{")
    assert notes["fires_within"]
    assert notes["summary"]


def test_rules_read_only_what_is_declared() -> None:
    declared = {metric.name for metric in semconv.METRICS}
    spelled = declared | {f"{name}{end}" for name in declared for end in ("_bucket", "_sum", "_count")}
    groups = [yaml.safe_load(text)["groups"] for text in {**render(OBJECTIVES, SCALED)}.values()]
    written = [rule["expr"] for parts in groups for part in parts for rule in part["rules"]]
    read = {name for expr in written for name in re.findall(r"(?<![:\w])([a-z][a-z0-9_]+)(?=[\[{])", expr)}
    assert {name for name in read if not EXTERNAL.match(name)} <= spelled


def test_drills_watch_the_same_objectives_over_minutes() -> None:
    slow, fast = (alerts_of(render(OBJECTIVES, setting)) for setting in (SCALED, DRILLS))
    burning = {rule["alert"] for rule in slow if "slo" in rule["labels"]}
    assert burning == {rule["alert"] for rule in fast if "slo" in rule["labels"]}
    assert all(rule["labels"]["set"] == "drill" for rule in fast)


@pytest.mark.parametrize(("length", "text"), [(30, "30s"), (120, "2m"), (604_800, "7d"), (3_600, "1h"), (90, "90s")])
def test_durations_are_written_as_prometheus_reads_them(length: int, text: str) -> None:
    assert duration(length) == text
