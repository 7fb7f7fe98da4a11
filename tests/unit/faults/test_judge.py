"""The tour's checks fail where they should."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lab.faults.catalogue import ROWS
from lab.tour.judge import baseline, edge, healthy_names, impact, judge, leaks, others, recovery, silence, solvable
from lab.tour.record import Recording, signals_of

ROW = ROWS["redis-far"]
[OWN] = [str(each.signal) for each in ROW.evidence]


def recording(**changes: object) -> Recording:
    """A run of redis-far that passes, with changes."""
    quiet = {str(signal): 0.0 for signal in signals_of(ROW)} | {"errors": 0.0, "median": 0.03}
    good = Recording(
        "redis-far",
        {**quiet, OWN: 1.0},
        {**quiet, OWN: 200.0},
        {**quiet, OWN: 1.0},
        {"attributes": ["http.route"], "metrics": ["up"]},
        {"attributes": ["http.route"], "metrics": ["up"]},
        [],
        1.0,
        {},
    )
    return replace(good, **changes)  # type: ignore[arg-type]


HEALTHY = healthy_names([recording()])


def test_a_good_run_passes() -> None:
    assert judge(recording(), HEALTHY).problems == []


def test_a_window_before_that_was_not_healthy() -> None:
    sick = recording(before={**recording().before, "errors": 4.5})
    assert baseline(sick) == ["not healthy before: 4.5 errors a second"]
    assert judge(sick, HEALTHY).spoilt == judge(sick, HEALTHY).problems


def test_evidence_that_does_not_pass_its_bound() -> None:
    weak = recording(during={**recording().during, OWN: 20.0})
    assert "bound ≥ 60" in impact(ROW, weak)[0]
    absent = recording(during={**recording().during, OWN: math.nan})
    assert impact(ROW, absent)


def test_a_look_alikes_evidence() -> None:
    told = {str(each.signal): 1e6 for each in ROWS["n-plus-one"].evidence}
    assert others(ROW, recording(during={**recording().during, **told})) == ["looks like n-plus-one"]


def test_names_that_tell() -> None:
    assert leaks(ROW, recording(told=["redis-far: process titles"]), HEALTHY) == ["tells redis-far: process titles"]
    strange = {"attributes": ["http.route", "chaos.id"], "frames": ["chassis/faults/far_peer.py", "chassis/client.py"]}
    assert leaks(ROW, recording(names_during=strange), HEALTHY) == [
        "new in attributes: chaos.id",
        "new in frames: chassis/faults/far_peer.py",
    ]


def test_what_does_not_come_back() -> None:
    assert recovery(ROW, recording(gone_after_s=9.0)) == ["still on after 9.0 s"]
    assert "still 200" in recovery(ROW, recording(after=recording().during))[0]
    row = ROWS["missing-features"]
    [signal] = [str(each.signal) for each in row.evidence]
    late = recording(before={signal: 0.0}, after={signal: 0.4})
    assert "still 0.4" in recovery(row, late)[0], "a signal of longer windows is awaited, and then judged as well"


def test_a_silent_fault_that_is_heard() -> None:
    row = ROWS["nlp-canary"]
    loud = recording(during={**recording().during, "errors": 1.0, "median": 0.3})
    assert len(silence(row, loud)) == 2
    assert silence(row, recording()) == []
    assert silence(ROW, loud) == []


def test_a_failing_fault_without_a_failed_edge() -> None:
    row = ROWS["redis-down"]
    assert edge(row, recording(during={**recording().during, "edge": 0.0}))
    assert not edge(row, recording(during={**recording().during, "edge": 5.0}))


def test_a_fault_that_no_player_could_find(monkeypatch: pytest.MonkeyPatch) -> None:
    assert solvable(ROW, recording()) == []
    absent = recording(during={**recording().during, OWN: math.nan})
    assert solvable(ROW, absent) == ["no evidence that a player could find"]
    monkeypatch.setattr("lab.tour.judge.hints", lambda *_: ["network latency in feature_store.", "the last"])
    assert solvable(ROW, recording()) == ["a hint tells: network latency in feature_store."]


def test_a_recording_survives_its_file() -> None:
    run = recording(before={"x": math.nan, "y": 1.0})
    again = Recording.from_json(run.as_json())
    assert math.isnan(again.before["x"])
    assert replace(again, before={}) == replace(run, before={})
