"""``faultline replay`` opens a recorded case for practice: blind, with its traces at hand, marked as a drill is."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from lab.campaign.cases import Recorded
from lab.cli import build_app
from lab.cli.replay import code_of
from lab.place import LabError


def replayed(case: Recorded, *words: str) -> Result:
    return CliRunner().invoke(build_app(), ["replay", "--folder", str(case.folder.parent), *words])


def test_it_opens_blind_and_tells_nothing_of_the_answer(case: Recorded) -> None:
    told = replayed(case).output

    assert f"Case {code_of(case)}." in told
    assert told == replayed(case, code_of(case)).output
    assert not [word for word in (case.case.id, "redis-far", *case.truth.kinds) if word in told]


def test_a_trace_of_the_case_is_drawn(case: Recorded) -> None:
    trace_id = case.window().now.predictions[0].trace_id

    assert trace_id in replayed(case, code_of(case)).output
    told = replayed(case, code_of(case), "--trace", trace_id.upper()).output
    assert "PIPELINE HGETALL" in told
    assert "critical path" in told


def test_an_answer_is_marked_and_the_way_shown(case: Recorded) -> None:
    answer = ("--service", "feature_store", "--operation", "Redis", "--kind", "Slow network")
    healthy = case.window().now.predictions[0].trace_id

    assert "80 of 100" in replayed(case, code_of(case), *answer, "--evidence", healthy).output
    told = replayed(case, case.case.id, *answer).output
    assert f"It was case {case.case.id}." in told
    assert "1. Metric." in told
    assert "faultline trace " not in told  # the running system does not hold this trace
    assert "0 of 100" in replayed(case, code_of(case), "--kind", "nothing").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "no case 'nope'"),
        (["--trace", "ab"], "no trace ab"),
        (["--kind", "netwrk latency"], "kind 'netwrk latency'"),
        (["--service", "gateway"], "needs its --kind"),
        (["--kind", "memory", "--evidence", "ab"], "no trace ab"),
    ],
)
def test_what_cannot_be_meant_is_told(case: Recorded, words: list[str], said: str) -> None:
    error = replayed(case, *words).exception
    assert isinstance(error, LabError)
    assert said in str(error)
