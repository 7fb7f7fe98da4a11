"""A campaign goes on, or says why not; it never waits for a system that does not come back."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from lab.campaign import record
from lab.campaign.plan import Case
from lab.campaign.record import Recorder, Times
from lab.clients.backends import Backends
from lab.place import Hosts, Place


def test_a_system_that_stays_ill_is_started_again_once_a_case_and_the_case_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    started: list[Place] = []
    for name in ("_RECOVERY_S", "_POLL_S", "_SETTLE_S"):
        monkeypatch.setattr(record, name, 0.0)
    monkeypatch.setattr(record, "recorded_options", lambda _: None)
    monkeypatch.setattr(record, "restart", lambda place, _: started.append(place))
    place = Place(tmp_path, tmp_path, hosts=Hosts(urls={"prometheus": "http://prometheus"}))
    nothing = httpx.Response(200, json={"data": {"resultType": "vector", "result": []}})
    with httpx.Client(transport=httpx.MockTransport(lambda _: nothing)) as http:
        recorder = Recorder(place, Backends.of(place, http), tmp_path / "campaign", Times(), said.append)
        assert recorder.run([Case("healthy-01"), Case("healthy-02")]) == 0

    assert len(started) == 2
    left = [line for line in said if "could not be recorded" in line]
    assert [line.split()[0] for line in left] == ["healthy-01", "healthy-02"]
