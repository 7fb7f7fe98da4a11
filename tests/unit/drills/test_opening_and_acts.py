"""An alert opens a drill only if it is new; an action cures only what it can."""

from __future__ import annotations

from lab.drills.acts import cures
from lab.drills.opening import first_new


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


def test_a_rollback_cures_what_came_with_a_release_alone() -> None:
    assert cures("rollback", "", "bad input", ("cv_model",), release=True)
    assert not cures("rollback", "", "bad input", ("cv_model",), release=False)


def test_a_restart_cures_what_lives_in_that_process_alone() -> None:
    assert cures("restart", "nlp_model", "memory", ("nlp_model",), release=False)
    assert not cures("restart", "cv_model", "memory", ("nlp_model",), release=False)
    assert not cures("restart", "nlp_model", "bad input", ("nlp_model",), release=False)
