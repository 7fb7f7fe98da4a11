"""Prometheus' own judgement of rules and expressions: promtool, which comes with Prometheus."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.place import LabError

_WITHIN_S = 60.0


def against_rules(path: Path) -> str:
    """What promtool has against a rule file; empty where nothing."""
    return _run("check", "rules", str(path))


def against_expressions(expressions: Sequence[str]) -> str:
    """What promtool has against PromQL expressions; empty where nothing."""
    rules = [{"record": f"expression:{number}", "expr": text} for number, text in enumerate(expressions)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "expressions", "rules": rules}]}))
        return against_rules(path)


def against_story(rules: Path, series: Mapping[str, str], checks: Sequence[tuple[str, str, Sequence[Any]]]) -> str:
    """What fails of ``checks`` (time, expression, expected samples) when the rules see ``series``, a value a minute."""
    told = {
        "rule_files": [str(rules.resolve())],
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {"expr": expr, "eval_time": at, "exp_samples": list(samples)} for at, expr, samples in checks
            ],
        }],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.yml"
        path.write_text(yaml.safe_dump(told, sort_keys=False))
        return _run("test", "rules", str(path))


def _run(*words: str) -> str:
    tool = shutil.which("promtool")
    if tool is None:
        raise LabError(
            "promtool is not installed.", "It comes with Prometheus: `faultline doctor` says how to get that."
        )
    try:
        done = subprocess.run([tool, *words], capture_output=True, text=True, timeout=_WITHIN_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"promtool took longer than {_WITHIN_S:g} s.", "Check again once the machine is idle."
        ) from error
    return "" if done.returncode == 0 else (done.stderr.strip() or done.stdout.strip())
