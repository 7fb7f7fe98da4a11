"""A slip of the pen costs nothing: what nobody could mean is refused before it is counted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli import build_app
from lab.drills import play
from lab.drills.choices import choices, ensure_known
from lab.drills.choose import Cause, Drill
from lab.drills.grading import Answer
from lab.drills.session import Session
from lab.place import LabError, Place


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer("gateway", "", "memry"), "kind 'memry'"),
        (Answer("gateway", "", ""), "kind ''"),
        (Answer("gatewya", "", "memory"), "service 'gatewya'"),
        (Answer("gateway", "", "x" * 10_000), "xxx…"),
    ],
)
def test_a_name_of_nothing_is_refused(answer: Answer, said: str) -> None:
    with pytest.raises(LabError, match=said) as caught:
        ensure_known([Answer(kind="nothing"), answer])
    assert len(str(caught.value)) < 100
    assert "drill names" in caught.value.next_step


def test_the_nearest_names_are_offered() -> None:
    with pytest.raises(LabError) as caught:
        ensure_known([Answer("cv_model", "", "bad imput")])
    assert caught.value.next_step.startswith("Did you mean bad input")


def test_an_operation_where_the_service_belongs_is_told() -> None:
    with pytest.raises(LabError) as caught:
        ensure_known([Answer("redis", "", "blocked dependency")])
    assert caught.value.next_step.startswith("It is an operation here")


def test_every_listed_name_and_synonym_may_be_said() -> None:
    listed = choices()
    ensure_known(Answer(service, "", "Memory-Leak") for service in (*listed["services"], "MACHINE", "users", ""))
    ensure_known(Answer("gateway", "", kind) for kind in (*listed["kinds"], "Nothing is wrong", "n+1 queries"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path, tmp_path / "run")
    monkeypatch.setenv("FAULTLINE_RUN_DIR", str(found.run_dir))
    monkeypatch.setattr("lab.cli.drill.require_up", lambda _: None)
    Session(found).begin(Drill(7, 1, (Cause("leak", "gateway"),)), "ana")
    return found


def test_a_trace_that_there_is_not_is_refused_and_nothing_is_counted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nothing:
        def __getattr__(self, name: str) -> Any:
            return lambda _: []

    monkeypatch.setattr("lab.drills.play.Backends.of", lambda *_: type("Away", (), {"tempo": Nothing()})())
    with pytest.raises(LabError, match="There is no trace ab"):
        play.answer(place, [Answer("gateway", "", "memory", "ab")])
    assert not Session(place).current().answered


def test_more_services_than_kinds_are_refused(place: Place) -> None:
    words = ["drill", "answer", "--kind", "memory", "--service", "gateway", "--service", "cv_model"]
    result = CliRunner().invoke(build_app(), words)
    assert isinstance(result.exception, LabError)
    assert "Each cause needs its --kind" in str(result.exception)
    assert not Session(place).current().answered


def test_time_ends_when_the_answer_is_given(place: Place) -> None:
    """Reading minutes of traces takes a while, and is not the player's."""
    session = Session(place)
    current = session.current()
    current.started -= 600
    marks = session.answer(current, [Answer("gateway", "", "memory")], [[False]], time.time() - 360)
    assert marks.time == 0
    assert session.history.all()[0].seconds == pytest.approx(240, abs=5)
