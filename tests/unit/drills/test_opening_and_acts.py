"""An alert opens a drill only if it is new; an action cures only what it can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.campaign.truth import truth_of
from lab.drills import acts, play
from lab.drills.acts import cures, perform, recovery
from lab.drills.choose import Cause, Drill
from lab.drills.opening import first_new
from lab.drills.session import Session
from lab.faults.catalogue import ROWS
from lab.place import Hosts, LabError, Place


def alert(name: str, active: str, state: str = "firing") -> dict[str, object]:
    return {"labels": {"alertname": name}, "annotations": {"summary": "slow"}, "activeAt": active, "state": state}


def test_the_oldest_new_firing_alert_opens() -> None:
    alerts = [
        alert("Before", "1970-01-01T00:01:00Z"),
        alert("Pending", "1970-01-01T00:02:00Z", "pending"),
        alert("Later", "1970-01-01T00:04:00.123456789Z"[:26] + "Z"),
        alert("First", "1970-01-01T00:03:00Z"),
    ]

    assert first_new(alerts, 90.0) == "Alert First: slow"
    assert first_new(alerts, 1000.0) == ""


PHOTO, LEAK, CANARY = (truth_of(ROWS[fault]) for fault in ("corrupt-photo", "leak", "nlp-canary"))


def test_a_rollback_cures_what_came_with_a_release_alone() -> None:
    assert cures("rollback", "", PHOTO, release=True)
    assert not cures("rollback", "", PHOTO, release=False)


def test_a_restart_cures_what_lives_in_that_process_alone() -> None:
    assert cures("restart", "nlp_model", LEAK, release=False)
    assert not cures("restart", "cv_model", LEAK, release=False)
    assert not cures("restart", "cv_model", PHOTO, release=False)


def test_the_end_of_the_canary_cures_a_bad_version_of_that_model_alone() -> None:
    assert cures("canary", "nlp_model", CANARY, release=False)
    assert not cures("canary", "cv_model", CANARY, release=False)
    assert not cures("shed", "", CANARY, release=False)


def test_nothing_has_recovered_from_a_silent_cause_that_is_left() -> None:
    prometheus: Any = None  # is not even asked
    assert recovery(prometheus, None, [CANARY]) == 0.0


@pytest.mark.parametrize(
    ("action", "target", "said"),
    [
        ("dance", "", "no action"),
        ("restart", "redis", "needs one of"),
        ("canary", "gateway", "needs one of"),
        ("scale", "everything", "needs one of"),
        ("scale", "nlp_model", "only Kubernetes"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_clear_word(tmp_path: Path, action: str, target: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        perform(Place(tmp_path, tmp_path / "run"), action, target)


def test_a_knob_is_put_back_though_the_cure_comes_too_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, told = Place(tmp_path, tmp_path / "run"), []
    session = Session(place)
    current = session.begin(Drill(7, 1, (Cause("over-shedding", "gateway"),), release=True), "ana")
    current.answered = True
    session.save(current)

    def too_late(*_: object) -> None:
        raise LabError("No such fault is wanted.")

    monkeypatch.setattr(acts, "harmed", lambda *_: True)
    monkeypatch.setattr(acts, "perform", lambda *_: acts.Done("Done.", lambda: told.append("put back")))
    monkeypatch.setattr(Session, "lift", too_late)
    with pytest.raises(LabError, match="No such fault"):
        play.act(place, "rollback")
    assert told == ["put back"]


SOME = (Cause("unsampled", "gateway"),)


@pytest.mark.parametrize(
    ("causes", "release", "harmed", "marks", "said"),
    [
        (SOME, True, False, 20.0, "The cause is gone."),
        (SOME, False, True, 20.0, "no cause"),
        (SOME, False, False, 0.0, "no cause"),
        ((), False, True, 0.0, "Nothing had been wrong."),  # a busy machine may be late
    ],
)
def test_recovery_is_marked_where_a_cause_went_or_harm_ended(
    causes: tuple[Cause, ...], release: bool, harmed: bool, marks: float, said: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A fault that harms no answer has not been recovered from by whatever was done."""
    place = Place(tmp_path, tmp_path / "run")
    session = Session(place)
    current = session.begin(Drill(7, 4, causes, release=release), "ana")
    current.answered = True
    session.save(current)
    monkeypatch.setattr(acts, "harmed", lambda *_: harmed)
    monkeypatch.setattr(acts, "recovery", lambda *_: 20.0)

    done = play.act(place, "rollback")

    assert done.recovery == session.history.all()[0].recovery == marks
    assert said in done.done


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Place, Path]:
    """A place in Kubernetes, and what its kubectl was told."""
    told = tmp_path / "told"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f'#!/bin/sh\necho "told: $*" >> {told}\n[ "$3" = get ] && printf 1\nexit 0\n')
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Place(tmp_path, tmp_path / "run", environment="kubernetes"), told


def test_in_kubernetes_a_service_gets_replicas_and_loses_them_again(cluster: tuple[Place, Path]) -> None:
    place, told = cluster
    done = perform(place, "scale", "nlp_model", 3)
    done.put_back()

    assert done.said == "nlp_model has 3 replicas."
    scaled = [line for line in told.read_text().splitlines() if " scale " in line]
    assert scaled == [f"told: -n marketplace scale deployment/nlp-model --replicas={count}" for count in (3, 1)]
    with pytest.raises(LabError, match="cannot be had"):
        perform(place, "scale", "nlp_model", 50)


@pytest.mark.parametrize("environment", ["compose", "kubernetes"])
def test_within_a_container_every_replica_ends_itself(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def addresses(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (f"10.0.0.{number}", port)) for number in (1, 2) if host == "feature-store-replicas"]

    def ask(method: str, url: str, **_: object) -> httpx.Response:
        told.append(f"{method} {url}")
        return httpx.Response(200, json={"pid": 7})

    monkeypatch.setattr("lab.clients.control.socket.getaddrinfo", addresses)
    monkeypatch.setattr("lab.clients.control.httpx.request", ask)
    (tmp_path / "control_token").write_text("token")
    place = Place(tmp_path, tmp_path, secrets=tmp_path, hosts=Hosts("{service}"), environment=environment)
    perform(place, "restart", "feature_store")
    assert told == [f"POST http://10.0.0.{number}:9101/v1/restart" for number in (1, 2)]
