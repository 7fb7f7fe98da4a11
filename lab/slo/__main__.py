"""``python -m lab.slo`` writes the rules that are checked in, and docs/slo.md."""

from __future__ import annotations

from pathlib import Path

from lab.slo.model import Setting, read_objectives
from lab.slo.page import page
from lab.slo.render import render, write

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    objectives = read_objectives(ROOT / "deploy/slo.yaml")
    write(ROOT / "deploy/prometheus/rules", render(objectives, Setting()))
    write(ROOT / "deploy/prometheus/drills", render(objectives, Setting(fast=True)))
    (ROOT / "docs/slo.md").write_text(page(objectives, Setting()))


if __name__ == "__main__":
    main()
