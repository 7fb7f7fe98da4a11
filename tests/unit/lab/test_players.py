"""A team's file is read by one rule, whoever asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.place import LabError
from lab.players import read_players


def test_players_are_read_from_lines(tmp_path: Path) -> None:
    path = tmp_path / "players"
    path.write_text("# a team\nann: a1\n\n bob:b:2\n")
    assert read_players(path) == {"ann": "a1", "bob": "b:2"}
    path.write_text("")
    assert read_players(path) == {}


@pytest.mark.parametrize("wrong", [b"ann", b"ann:", b":x", b"ann:1\nann:2", b"ann:1\nbob:1", b"\xff:1"])
def test_mistakes_are_told(tmp_path: Path, wrong: bytes) -> None:
    path = tmp_path / "players"
    path.write_bytes(wrong)
    with pytest.raises(LabError):
        read_players(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="FAULTLINE_PLAYERS cannot be read"):
        read_players(tmp_path / "none")
