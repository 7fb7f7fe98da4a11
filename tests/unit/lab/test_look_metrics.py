"""``faultline metrics`` asks Prometheus what a hint or a solution says to type."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from lab.cli import build_app
from lab.clients.http import BackendError
from lab.clients.prometheus import Prometheus
from lab.clients.telemetry import Sample

FOUND = [
    Sample({"__name__": "up", "job": "b"}, ((0.0, 1.5),)),
    Sample({"job": "c"}, ((0.0, float("nan")),)),
    Sample({"job": "a"}, ((0.0, 2.0),)),
]


def metrics(monkeypatch: pytest.MonkeyPatch, found: list[Sample], *words: str) -> Result:
    monkeypatch.setattr(Prometheus, "query", lambda *_: found)
    return CliRunner().invoke(build_app(), ["metrics", "up", *words])


def test_series_come_by_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = metrics(monkeypatch, FOUND).output.splitlines()

    assert [line.split() for line in lines] == [["2", "job=a"], ["1.5", "up", "job=b"], ["nan", "job=c"]]
    assert json.loads(metrics(monkeypatch, FOUND, "--limit", "1", "--json").output) == [
        {"labels": {"job": "a"}, "value": 2.0}
    ]
    assert json.loads(metrics(monkeypatch, FOUND, "--json").output)[-1]["value"] is None


def test_no_series_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No series" in metrics(monkeypatch, []).output


def test_a_query_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BackendError("Prometheus refused: parse error", status=400)

    monkeypatch.setattr(Prometheus, "query", refuse)
    assert isinstance(CliRunner().invoke(build_app(), ["metrics", "up{"]).exception, BackendError)
