"""Game days can be played, the glossary is in order, and every query of a page can be asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chassis import semconv
from lab.drills.choose import choose
from lab.faults.catalogue import ROWS
from lab.gameday.script import parse, read
from lab.workshops.promtool import against_expressions
from telemetry_store.logql.parse import parse as logql
from telemetry_store.traceql.parse import parse as traceql
from tests.contract.source import ROOT

CASES = sorted(str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs" / "case-studies").glob("*.md"))
PROMQL = re.compile(r"^```promql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PARSERS = {"traceql": traceql, "logql": logql}
EXTERNAL = {"scrape_samples_post_metric_relabeling"}
GAME_DAYS = sorted((ROOT / "docs" / "game-days").glob("*.yaml"))


@pytest.mark.parametrize("path", GAME_DAYS, ids=lambda path: path.stem)
def test_a_game_day_can_be_played_and_is_as_long_as_its_page_says(path: Path) -> None:
    script = parse(read(path))
    page = (ROOT / "docs" / "game-day.md").read_text()
    row = next(line for line in page.splitlines() if f"game-days/{path.name})" in line and line.startswith("|"))
    assert f"{script.seconds / 60:.0f} minutes" in row
    assert all(step.seconds >= 60 for step in script.steps)


@pytest.mark.parametrize("page", ["tutorial.md", "drills.md"])
def test_a_pages_drill_is_the_one_that_it_solves(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert "--service cv_model --operation decode_photo" in text
    (seed,) = {int(found) for found in re.findall(r"--seed (\d+)", text)}
    drill = choose(ROWS, seed, level=1)
    assert [cause.fault for cause in drill.causes] == ["corrupt-photo"]
    assert drill.release, "else a rollback would not cure it"


def test_there_are_two_game_days_to_begin_with() -> None:
    assert len(GAME_DAYS) >= 2


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = [row for row in rows if row not in ("word", "---")]
    assert len(words) > 40
    assert words == sorted(words, key=str.lower)
    assert len({*words}) == len(words)


@pytest.mark.parametrize("page", ["questions.md", "percentiles.md", "tutorial.md", *CASES], ids=str)
def test_every_query_of_a_page_can_be_asked(page: str) -> None:
    """PromQL is judged by promtool, TraceQL and LogQL by the store's own parsers."""
    text = (ROOT / "docs" / page).read_text()
    for language, check in PARSERS.items():
        for query in re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            check(query)
    assert against_expressions(PROMQL.findall(text)) == ""


def test_queries_name_declared_metrics_and_recorded_rules_only() -> None:
    declared = {metric.name for metric in semconv.METRICS}
    declared |= {f"{name}{end}" for name in declared for end in ("_bucket", "_sum", "_count")}
    rules = "".join(path.read_text() for path in (ROOT / "deploy/prometheus").glob("*/*.yml"))
    declared |= {*re.findall(r"record: (\S+)", rules), *EXTERNAL}
    for page in ("questions.md", "percentiles.md", *CASES):
        for query in PROMQL.findall((ROOT / "docs" / page).read_text()):
            assert selected(query) <= declared, f"{page}: {query}"


def selected(query: str) -> set[str]:
    """Names of the metrics that an expression selects: those before a brace or a range, and rules' (with a colon)."""
    return {*re.findall(r"(?<![\w:])([a-z][\w:]*)(?=[{\[])", query), *re.findall(r"(?<![\w:{\[])\w+:\w+:\w+", query)}
