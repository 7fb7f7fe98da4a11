"""The question that follows a start: asked again while the machine is busy, and never without end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.cli import first_trace
from lab.clients.gateway import GatewayError
from lab.clients.http import open_client
from lab.place import Place


def answers(monkeypatch: pytest.MonkeyPatch, *statuses: int) -> list[int]:
    """Let the gateway answer so, one after the other; what is left of them."""
    left = list(statuses)

    def answer(*_: object) -> dict[str, Any]:
        status = left.pop(0)
        if status != 200:
            raise GatewayError(f"The gateway answers {status}.", status=status)
        return {"trace_id": "a"}

    monkeypatch.setattr(first_trace, "answer_to", answer)
    monkeypatch.setattr(first_trace, "_PAUSE_S", 0.0)
    return left


def ask(tmp_path: Path) -> dict[str, Any]:
    with open_client() as http:
        return first_trace._first_answer(Place(tmp_path, tmp_path), http)


def test_a_busy_gateway_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, 504, 503, 200)
    assert ask(tmp_path) == {"trace_id": "a"}


@pytest.mark.parametrize(
    ("statuses", "unasked"), [((504, 504, 504, 200), [200]), ((401, 200), [200]), ((0, 200), [200])]
)
def test_a_gateway_that_refuses_or_stays_busy_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statuses: tuple[int, ...], unasked: list[int]
) -> None:
    left = answers(monkeypatch, *statuses)
    with pytest.raises(GatewayError, match=str(statuses[0])):
        ask(tmp_path)
    assert left == unasked
