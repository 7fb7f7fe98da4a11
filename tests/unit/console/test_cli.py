"""The link to the console, and what its server is started with."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import build_app
from lab.cli import console as command
from lab.place import LabError, Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("FAULTLINE_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("FAULTLINE_PORT_OFFSET", "100")
    monkeypatch.delenv("FAULTLINE_BIND", raising=False)
    made = Place.from_environment()
    made.secrets_dir.mkdir()
    (made.secrets_dir / "lab_token").write_text("t0k\n")
    return made


@pytest.mark.parametrize(("bind", "host"), [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("192.0.2.7", "192.0.2.7")])
def test_the_link_holds_the_token_in_the_part_that_stays_in_the_browser(
    place: Place, monkeypatch: pytest.MonkeyPatch, bind: str, host: str
) -> None:
    monkeypatch.setenv("FAULTLINE_BIND", bind)
    assert command.link(place) == f"http://{host}:8180/#token=t0k"


def test_it_is_printed_and_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opens)
    done = CliRunner().invoke(build_app(), ["console", "--open"])
    assert (done.exit_code, done.output.strip()) == (0, command.link(place))
    assert opened == [command.link(place)]


def test_without_a_stack_the_next_step_is_told(place: Place) -> None:
    (place.secrets_dir / "lab_token").unlink()
    with pytest.raises(LabError) as caught:
        command.link(place)
    assert "faultline up" in caught.value.next_step


def test_serving_needs_none_of_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, words: called.append(words))
    command.serve()
    assert called == [[sys.executable, "-m", "lab.console"]]
