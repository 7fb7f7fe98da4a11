"""Which command is for which fault is read from the texts, and what was seen of them is kept as it was seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.mitigations import KEPT, PAGE, page
from bench.treating import Outcome, Seen
from bench.treatments import Treatment, commands_of, treated, treatments, without_command
from lab.faults.catalogue import ROWS
from lab.runbooks import Runbook, load, names
from lab.runbooks.parse import parse
from tests.unit.runbooks.test_parse import PAGE as BOOK

BOOKS = [load(name) for name in names()]


def book(mitigation: str) -> str:
    head, _, rest = BOOK.partition("## Mitigation\n")
    return f"{head}## Mitigation\n\n{mitigation}\n\n## Prevention{rest.partition('## Prevention')[2]}"


def test_commands_are_those_that_change_something_in_the_order_of_the_text() -> None:
    text = (
        "- `faultline drill act rollback`, `faultline faults clear`.\n- `faultline status`; `faultline faults clear`."
    )
    assert commands_of(parse("Slow", book(text))) == ["faultline drill act rollback", "faultline faults clear"]


@pytest.mark.parametrize(
    ("command", "fault", "typed"),
    [
        ("faultline canary MODEL 0", "cv-canary", "faultline canary cv_model 0"),
        ("faultline canary MODEL 0", "pool-of-one", None),
        ("faultline drill act restart SERVICE", "slow-auth", "faultline drill act restart gateway"),
        ("faultline drill act restart SERVICE", "noisy-neighbour", None),
        ("faultline drill act rollback", "pool-of-one", "faultline drill act rollback"),
        ("faultline drill act rollback", "concept-drift", None),
        ("faultline faults clear", "concept-drift", "faultline faults clear"),
    ],
)
def test_a_command_is_for_some_faults(command: str, fault: str, typed: str | None) -> None:
    found = treated(command, ROWS[fault])
    assert (found.command if found else None) == typed


def test_a_fault_is_aimed_where_its_alert_shows_it() -> None:
    crashes = {alert: each.at for each in treatments(BOOKS) if each.fault == "crash-loop" for alert in each.alerts}
    assert crashes["AvailabilityBudgetBurns"] == "orchestrator"
    assert crashes["CompletenessBudgetBurns"] == "cv_model"


def test_a_new_command_has_to_say_what_it_is_for() -> None:
    with pytest.raises(ValueError, match="for which faults"):
        treated("faultline pray", ROWS["pool-of-one"])


def test_every_pair_of_alert_and_fault_has_a_command_and_is_served_once_before_any_is_twice() -> None:
    assert without_command(BOOKS) == []
    pairs = {(each.alert, fault) for each in BOOKS for fault in each.causes}
    seen: set[tuple[str, str]] = set()
    for treatment in treatments(BOOKS):
        own = {(alert, treatment.fault) for alert in treatment.alerts}
        assert own - seen or seen == pairs, treatment
        seen |= own
    assert seen == pairs


@pytest.mark.parametrize("book", [each for each in BOOKS if each.causes], ids=lambda each: each.alert)
def test_no_runbook_gives_a_command_that_is_for_none_of_its_causes(book: Runbook) -> None:
    idle = [each for each in commands_of(book) if not any(treated(each, ROWS[fault]) for fault in book.causes)]
    assert idle == []


@pytest.mark.parametrize(
    ("seen", "objection"),
    [
        ({}, ""),
        ({"noisy": {"A"}}, "before the fault"),
        ({"fired": {}}, "did not fire"),
        ({"quiet": {"A"}}, "before the command"),
        ({"gone": {}}, "still fires"),
        ({"said": "exit code 1: no"}, "exit code 1"),
    ],
)
def test_only_an_alert_that_fires_of_the_fault_and_ends_by_the_command_counts(
    seen: dict[str, Any], objection: str
) -> None:
    treatment = Treatment("pool-of-one", "feature_store", "faultline faults clear", ("A",), ends=True)
    good: dict[str, Any] = {"noisy": set(), "fired": {"A": 9.0}, "quiet": set(), "gone": {"A": 30.0}, "said": ""}
    told = Seen(treatment, **(good | seen)).objection("A")
    assert objection in told
    assert Outcome("A", 9.0, 30.0, told).resolved == (not told)


def test_the_page_is_what_was_kept() -> None:
    assert PAGE.read_text() == page(json.loads(KEPT.read_text()))


@pytest.mark.complete
def test_every_pair_was_run_and_every_command_that_was_run_resolved_its_alert() -> None:
    kept = json.loads(KEPT.read_text())
    assert [row for row in kept if not row["resolved"]] == []
    pairs = {(each.alert, fault) for each in BOOKS for fault in each.causes}
    assert pairs - {(row["alert"], row["fault"]) for row in kept} == set()
