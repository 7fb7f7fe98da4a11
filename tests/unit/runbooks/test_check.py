"""Recordings of several stacks make one page."""

from __future__ import annotations

import json
from pathlib import Path

from lab.runbooks.check import as_document, beside
from lab.runbooks.pairs import Pair


def test_what_was_asked_anew_takes_the_place_of_what_was_written_and_the_rest_stays(tmp_path: Path) -> None:
    old = [
        Pair("RedisSlow", "redis-busy", "blocked dependency", "blocked dependency", 1.0, 20.0),
        Pair("RedisSlow", "big-hash", "inefficient query", "", 2.0, 20.0),
        Pair("CrashLoop", "", "", "", 3.0, 45.0),
    ]
    kept = tmp_path / "runbooks.json"
    kept.write_text(json.dumps(as_document(old)))
    new = [
        Pair("RedisSlow", "big-hash", "inefficient query", "inefficient query", 9.0, 20.0),
        Pair("CrashLoop", "", "", "", 10.0, 45.0),
    ]
    assert beside(new, kept) == [old[0], old[2]]
