"""Marks are given for each part, and taken for hints and time."""

from __future__ import annotations

import pytest

from lab.campaign.truth import truth_of
from lab.drills.grading import FULL, Answer, grade
from lab.faults.catalogue import ROWS

TRUTH = truth_of(ROWS["corrupt-photo"])
RIGHT = Answer("cv_model", "decode_photo", "bad input", "ab")
OTHER = truth_of(ROWS["over-shedding"])


def test_the_right_answer_has_full_marks() -> None:
    assert grade([RIGHT], [TRUTH], [[True]], 0, 2).total == FULL


def test_the_right_service_with_the_wrong_kind_has_part_marks() -> None:
    marks = grade([Answer("cv_model", "decode_photo", "queueing", "ab")], [TRUTH], [[True]], 0, 2)

    assert (marks.service, marks.operation, marks.kind) == (30, 15, 0)


@pytest.mark.parametrize("kind", ["Bad Input", "bad-input", "truncated input", "corrupt data"])
def test_fair_synonyms_count(kind: str) -> None:
    assert grade([Answer("cv_model", "decode_photo", kind)], [TRUTH], [[False]], 0, 0).kind == 35


@pytest.mark.parametrize("fault", ["lost-context", "lost-thread-context"])
def test_what_names_two_faults_of_a_kind_counts_for_both(fault: str) -> None:
    truth = truth_of(ROWS[fault])
    assert all(truth.kind_is(said) for said in ("broken trace", "lost context", "Lost-Trace-Context"))


def test_an_evidence_trace_that_does_not_show_it_loses_its_marks() -> None:
    assert grade([RIGHT], [TRUTH], [[False]], 0, 0).total == FULL - 20


def test_the_right_operation_in_the_wrong_service_is_no_find() -> None:
    assert grade([Answer("nlp_model", "decode_photo", "x")], [TRUTH], [[False]], 0, 0).total == 0


def test_nothing_is_right_where_nothing_is_wrong_and_only_there() -> None:
    nothing = Answer(kind="nothing")

    assert grade([nothing], [], [[]], 0, 0).total == FULL
    assert grade([RIGHT], [], [[]], 0, 0).total == 0
    assert grade([nothing], [TRUTH], [[False]], 0, 0).total == 0


def test_hints_and_time_cost_marks_and_never_more_than_there_are() -> None:
    assert grade([RIGHT], [TRUTH], [[True]], 2, 5).total == FULL - 16
    assert grade([RIGHT], [TRUTH], [[True]], 0, 9).total == FULL - 4
    assert grade([RIGHT], [TRUTH], [[True]], 0, 500).total == FULL - 15
    assert grade([Answer(kind="queueing")], [TRUTH], [[False]], 4, 60).total == 0


def test_of_two_causes_each_is_worth_half_in_any_order() -> None:
    shed = Answer("gateway", "admission", "rate limit", "cd")

    assert grade([shed, RIGHT], [TRUTH, OTHER], [[False, True], [True, False]], 0, 0).total == FULL
    assert grade([RIGHT], [TRUTH, OTHER], [[True, False]], 0, 0).total == FULL / 2
    assert grade([shed], [TRUTH, OTHER], [[False, True]], 0, 0).total == FULL / 2


def test_a_trace_of_one_cause_is_no_evidence_of_the_other() -> None:
    shed = Answer("gateway", "admission", "rate limit", "ab")

    assert grade([RIGHT, shed], [TRUTH, OTHER], [[True, False], [True, False]], 0, 0).total == FULL - 10


def test_naming_everything_does_not_pay() -> None:
    wild = [RIGHT, Answer("gateway", "", "memory"), Answer("nlp_model", "", "crash")]

    assert grade(wild, [TRUTH], [[True], [False], [False]], 0, 0).total == FULL / 2


def test_many_answers_are_graded_as_quickly_as_few() -> None:
    assert grade([RIGHT] * 100, [TRUTH, OTHER], [[True, True]] * 100, 0, 0).total == 0


def test_either_end_of_a_hop_is_a_fair_name_for_it() -> None:
    far = truth_of(ROWS["far-hop"], "cv_model")

    for service in ("orchestrator", "cv_model"):
        assert grade([Answer(service, "call cv_model", "network latency")], [far], [[True]], 0, 0).total == FULL
