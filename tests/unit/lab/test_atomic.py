"""A file is there whole, old or new, whatever happens while it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import atomic


def test_text_and_bytes_take_the_files_place(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    for content, kept in (("{}", b"{}"), (b"\x1f\x8b", b"\x1f\x8b"), ("–", "–".encode())):
        atomic.write(path, content)
        assert path.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_on_the_way_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "stack.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, "new")
    assert path.read_text() == "old"
