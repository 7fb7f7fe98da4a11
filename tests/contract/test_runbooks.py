"""Runbooks and the pages of kinds: complete, true to rules, catalogue and dashboards, and every query in them runs."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import semconv
from lab.faults.catalogue import ROWS
from lab.runbooks import Runbook, kinds, load, names
from lab.runbooks.ask import COMMANDS
from lab.runbooks.firing import fill
from lab.runbooks.library import KINDS, RUNBOOKS, page_of
from lab.runbooks.markdown import plain, tokens_of
from lab.runbooks.report import UNSEEN
from lab.slo.model import read_objectives
from services import topology
from telemetry_store.logql.parse import parse as parse_logql
from telemetry_store.traceql.parse import parse as parse_traceql
from tests.contract.source import ROOT
from tests.contract.test_dashboards import labels, labels_in, metrics_in, series
from tests.contract.test_rules import promtool
from tests.unit.telemetry_store.process import http, running_store

REDIS_LABELS = {"cmd"}  # of the Redis exporter
SPAN_ATTRIBUTES = {"http.route", "http.response.status_code", "db.system.name"}
SECTIONS_OF_A_KIND = ("What it is", "In metrics", "In traces", "In logs", "Told apart from", "For good")


@dataclass(frozen=True)
class Query:
    """A query block of a page."""

    where: str
    language: str
    text: str

    def __str__(self) -> str:
        return self.where


@cache
def queries() -> tuple[Query, ...]:
    """Every query block of every runbook and every page of a kind."""
    return tuple(query for path in sorted([*RUNBOOKS.glob("*.md"), *KINDS.glob("*.md")]) for query in _queries(path))


def _queries(path: Path) -> Iterator[Query]:
    fences = [token for token in tokens_of(path.read_text()) if token.type == "fence"]
    for number, token in enumerate(fences, 1):
        yield Query(f"{path.stem} {number}", token.info.strip(), token.content.strip())


def asked(language: str) -> list[Query]:
    return [query for query in queries() if query.language == language]


def rules() -> dict[str, list[dict[str, Any]]]:
    """Alert rules by name, of both sets."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((ROOT / "deploy/prometheus").glob("*/*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    found.setdefault(rule["alert"], []).append(rule)
    return found


def books() -> list[Runbook]:
    return [load(name) for name in names()]


each_book = pytest.mark.parametrize("book", books(), ids=lambda book: book.alert)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert set(names()) == set(rules())


def test_every_runbook_url_leads_to_a_runbook() -> None:
    urls = {rule["annotations"]["runbook_url"] for each in rules().values() for rule in each}
    assert {url.rpartition("/runbooks/")[2] for url in urls} == set(names())


@each_book
def test_the_front_matter_agrees_with_rules_catalogue_and_dashboards(book: Runbook) -> None:
    front, own = book.front_matter, rules()[book.alert]
    assert front["alert"] == book.alert
    assert set(front["severity"]) == {rule["labels"]["severity"] for rule in own}
    assert {rule["labels"]["slo"] for rule in own if "slo" in rule["labels"]} <= set(front["slo"])
    assert set(front["slo"]) <= {each.name for each in read_objectives(ROOT / "deploy/slo.yaml")}
    assert {*book.causes, *book.also} <= set(ROWS)
    assert not set(book.causes) & set(book.also)
    boards = {path.stem for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")}
    linked = {rule["annotations"]["dashboard_url"].rpartition("/")[2] for rule in own}
    assert linked <= set(front["dashboards"]) <= boards


def test_every_fault_is_the_cause_of_an_alert_or_its_silence_has_a_reason() -> None:
    assert {*ROWS} - {fault for book in books() for fault in book.causes} == set(UNSEEN)


@each_book
def test_the_decision_table_knows_the_kind_of_every_cause(book: Runbook) -> None:
    assert {ROWS[fault].kind for fault in (*book.causes, *book.also)} <= {row.kind for row in book.table}


@each_book
def test_a_row_of_the_table_is_named_as_the_page_it_leads_to(book: Runbook) -> None:
    assert [row.page for row in book.table] == [page_of(row.kind) for row in book.table]
    assert {row.page for row in book.table} <= set(kinds())


@each_book
def test_every_row_asks_for_evidence(book: Runbook) -> None:
    assert all(row.holds for row in book.table)


def test_every_kind_of_fault_has_a_page_and_every_page_a_kind() -> None:
    assert set(kinds()) == {page_of(row.kind) for row in ROWS.values()}


@pytest.mark.parametrize("page", kinds())
def test_a_page_of_a_kind_says_all_that_it_should(page: str) -> None:
    text = (KINDS / f"{page}.md").read_text()
    tokens = tokens_of(text)
    headings = [plain(tokens[i + 1]) for i, token in enumerate(tokens) if token.type == "heading_open"]
    assert page_of(headings[0]) == page
    assert tuple(headings[1:]) == SECTIONS_OF_A_KIND
    assert {query.language for query in _queries(KINDS / f"{page}.md")} == {"promql", "traceql", "logql"}
    for fault, row in ROWS.items():
        assert (f"`{fault}`" in text) == (page_of(row.kind) == page), fault


def test_a_step_of_one_name_asks_the_same_everywhere() -> None:
    seen: dict[str, set[tuple[str, str, str]]] = {}
    for book in books():
        for step in book.steps:
            seen.setdefault(step.name, set()).add((step.query, str(step.expect), step.look_for))
    assert [name for name, variants in seen.items() if len(variants) > 1] == []


def test_every_step_is_read_by_its_table_or_shows_where_to_look() -> None:
    """A step whose result no row uses is there to be read: it leads to lines, or shows what the alert is about."""
    unread = {
        step.name
        for book in books()
        for step in book.steps
        if step.name not in {name for row in book.table for name in (*row.holds, *row.fails)}
    }
    assert unread == SHOWN_ONLY


SHOWN_ONLY = {"missing-part", "no-scrape", "memory-limit", "programs", "last-words", "segment-precision"}


# Queries


def test_every_promql_parses_and_runs(tmp_path: Path) -> None:
    """promtool evaluates each, on no data at all: whatever is no PromQL, or cannot be evaluated, is refused."""
    written = [fill(query.text, {}) for query in asked("promql")]
    rules_file = {
        "groups": [{"name": "all", "rules": [{"record": f"q:{n}", "expr": q} for n, q in enumerate(written)]}]
    }
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules_file))
    test = {
        "rule_files": [str(tmp_path / "rules.yml")],
        "tests": [{"interval": "5s", "input_series": [{"series": "up", "values": "1x60"}]}],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    promtool("check", "rules", tmp_path / "rules.yml")
    promtool("test", "rules", tmp_path / "test.yml")


@pytest.mark.parametrize("query", asked("promql"), ids=str)
def test_every_series_and_label_exists(query: Query) -> None:
    text = fill(query.text, {})
    assert metrics_in(text) <= series()
    assert labels_in(text) <= labels() | REDIS_LABELS


@pytest.mark.parametrize("query", asked("traceql"), ids=str)
def test_every_traceql_parses_and_names_known_spans_and_attributes(query: Query) -> None:
    text = fill(query.text, {})
    parse_traceql(text)
    ours = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    assert set(re.findall(r"\bspan\.([\w.]+)", text)) <= ours | SPAN_ATTRIBUTES
    assert set(re.findall(r"\bresource\.([\w.]+)", text)) <= {"service.name"}
    spans = set(re.findall(r'(?<![.\w])name = "([^"]+)"', text))
    assert {name for name in spans if " " not in name} <= set(semconv.SPAN_NAMES)
    _known_services(re.findall(r'(?:service\.name|rootServiceName) !?=~? "([^"]+)"', text))


@pytest.mark.parametrize("query", asked("logql"), ids=str)
def test_every_logql_parses_and_names_known_fields(query: Query) -> None:
    text = fill(query.text, {})
    parse_logql(text)
    fields = {match[1] for match in re.finditer(r"[|{,]\s*(\w+)\s*(?:=~|!=|=|!~)", text)}
    assert fields <= {*semconv.LOG_FIELDS, "service_name", "severity_text", "detected_level"}
    _known_services(re.findall(r'service_name=~?"([^"]+)"', text))


def _known_services(written: list[str]) -> None:
    for names_ in written:
        assert set(names_.split("|")) <= {*topology.SERVICES, ".+"}


def test_every_traceql_and_logql_runs_on_the_store(tmp_path: Path) -> None:
    now = time.time()
    span, span_ns = (int(now - 60), int(now)), (int((now - 60) * 1e9), int(now * 1e9))
    refused = []
    with running_store(tmp_path) as store:
        for query in asked("traceql"):
            text = fill(query.text, {})
            path = "metrics/query" if "_over_time(" in text else "search"
            answer = http().get(f"{store.url}/api/{path}", params={"q": text, "start": span[0], "end": span[1]})
            refused += [f"{query}: {answer.text}"] * (answer.status_code != 200)
        for query in asked("logql"):
            params = {"query": fill(query.text, {}), "start": span_ns[0], "end": span_ns[1]}
            answer = http().get(f"{store.url}/loki/api/v1/query_range", params=params)
            refused += [f"{query}: {answer.text}"] * (answer.status_code != 200)
    assert refused == []


def test_labels_fill_regular_expressions_only() -> None:
    for query in queries():
        bare = re.sub(r'=~ ?"\$[a-z_]+"', "", query.text)
        assert "$" not in re.sub(r'"\$1"', "", bare), query


def test_steps_run_only_commands_that_look() -> None:
    assert {shlex.split(query.text)[1] for query in asked("faultline")} <= COMMANDS
