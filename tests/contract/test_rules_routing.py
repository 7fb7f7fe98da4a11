"""Where each alert goes: pages to PagerDuty, tickets to the webhook; one silent service pages once."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import Any

import pytest
import yaml

from lab.place import Place
from lab.slo.model import Setting, read_objectives
from lab.slo.page import alerts_of
from lab.slo.render import render
from lab.stack.alerting import alertmanager_config, write_alertmanager_config
from tests.contract.source import ROOT

CONFIG = ROOT / "deploy/alertmanager/alertmanager.yml"
OBJECTIVES = read_objectives(ROOT / "deploy/slo.yaml")
SETTINGS = (Setting(), replace(Setting(), fast=True))


def amtool(*words: str) -> str:
    done = subprocess.run(["amtool", *words], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def every_alert() -> list[dict[str, Any]]:
    return [rule for setting in SETTINGS for rule in alerts_of(render(OBJECTIVES, setting))]


def test_amtool_takes_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIG))


@pytest.mark.parametrize("rule", every_alert(), ids=lambda rule: rule["alert"])
def test_pages_go_to_the_pager_and_tickets_to_the_webhook(rule: dict[str, Any]) -> None:
    labels = [f"{name}={value}" for name, value in rule["labels"].items()]
    receiver = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"alertname={rule['alert']}", *labels)
    assert receiver == {"page": "pager", "ticket": "tickets"}[rule["labels"]["severity"]]


def test_no_routing_key_stands_in_the_configuration() -> None:
    receivers = yaml.safe_load(CONFIG.read_text())["receivers"]
    (pager,) = (each["pagerduty_configs"][0] for each in receivers if "pagerduty_configs" in each)
    assert pager["routing_key_file"]
    assert "routing_key" not in pager
    assert pager["send_resolved"]


def test_only_alerts_that_exist_inhibit_and_are_inhibited() -> None:
    names = {rule["alert"] for rule in every_alert()}
    rules = yaml.safe_load(CONFIG.read_text())["inhibit_rules"]
    matchers = [matcher for rule in rules for matcher in (*rule["source_matchers"], *rule["target_matchers"])]
    patterns = re.findall(r'alertname(?:=~|!=|=)"(.+?)"', " ".join(matchers))
    assert patterns
    for pattern in patterns:
        matched = {name for name in names if re.fullmatch(pattern, name)}
        assert matched, pattern
        assert all(any(word in name for name in matched) for word in re.findall(r"\w+", pattern)), pattern


def test_a_local_stack_pages_its_own_pager(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Place(ROOT, tmp_path_factory.mktemp("run"), 1000)
    write_alertmanager_config(place)
    text = alertmanager_config(place).read_text()
    assert "http://127.0.0.1:10095/v2/enqueue" in text
    assert str(place.secrets_dir / "pagerduty_routing_key") in text
    assert "http://lab" not in text
    amtool("check-config", str(alertmanager_config(place)))
