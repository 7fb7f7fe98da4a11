"""The score's arithmetic, on rankings made by hand."""

from __future__ import annotations

import pytest

from lab.campaign.baselines import chance
from lab.campaign.export import prediction_rows, seconds_table
from lab.campaign.plan import plan
from lab.campaign.score import Cause, Graded, accuracy, average, confusions, false_alarms, wilson
from lab.campaign.truth import NO_FAULT, Truth, truth_of
from lab.faults.catalogue import ROWS
from tests.unit.diagnosis.traces import predictions, window

LEAK = truth_of(ROWS["leak"])
RIGHT: Cause = ("nlp_model", "process", "memory")
WRONG: Cause = ("cv_model", "process", "crash")


def case(*ranking: Cause, truth: Truth = LEAK) -> Graded:
    return Graded("c", truth, ranking)


def test_ac_at_k_counts_cases_with_the_cause_among_the_first_k() -> None:
    graded = [case(RIGHT), case(WRONG, RIGHT), case(WRONG)]

    assert accuracy(graded, "service", 1).value == pytest.approx(1 / 3)
    assert accuracy(graded, "service, operation, kind", 3).value == pytest.approx(2 / 3)
    assert average([case(WRONG, RIGHT)], "service") == pytest.approx(4 / 5)


def test_three_kinds_of_one_service_are_one_guess_of_a_service() -> None:
    same = [("cv_model", "process", kind) for kind in ("crash", "queueing", "timeout")]

    assert accuracy([case(*same, RIGHT)], "service", 3).value == 1
    assert accuracy([case(*same, RIGHT)], "service, operation, kind", 3).value == 0


def test_healthy_cases_count_as_false_alarms_and_as_nothing_else() -> None:
    graded = [case(truth=NO_FAULT), case(WRONG, truth=NO_FAULT), case(RIGHT)]

    assert false_alarms(graded).value == 0.5
    assert accuracy(graded, "service", 1).count == 1


def test_the_interval_is_wilsons() -> None:
    low, high = wilson(9, 10)

    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert wilson(0, 0) == (0, 1)


def test_what_was_missed_is_told_with_what_was_said() -> None:
    assert confusions([case(WRONG), case(), case(RIGHT)]) == [("memory", "crash"), ("memory", "nothing")]


def test_chance_is_the_same_for_the_same_case() -> None:
    assert chance("a", [RIGHT, WRONG]) == chance("a", [RIGHT, WRONG])


def test_a_plan_has_two_cases_a_fault_and_healthy_ones_and_is_the_seeds() -> None:
    cases = plan(ROWS.values(), 8)

    assert cases == plan(ROWS.values(), 8)
    assert sum(bool(each.fault) for each in cases) == 2 * len(ROWS)
    assert sum(not each.fault for each in cases) >= 30
    assert len({each.id for each in cases}) == len(cases)


def test_a_place_is_fair_by_any_of_its_names() -> None:
    redis = truth_of(ROWS["redis-down"])

    assert redis.operation_is("PIPELINE HGETALL")
    assert redis.operation_is("Redis")
    assert not redis.operation_is("admission")
    assert truth_of(ROWS["stale-features"]).operation_is("aggregate_events")


def test_an_export_counts_requests_by_second_and_scores_by_trace() -> None:
    seen = window(predictions(1, how_many=3))
    table = seconds_table(seen.now.spans)

    assert [row["time"] for row in table] == [1, 2, 3]
    assert all(row["nlp_model_workload"] == 1 for row in table)
    assert len(list(prediction_rows(seen))) == 43
