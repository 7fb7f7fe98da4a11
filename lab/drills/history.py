"""Drills that were played, in SQLite: history, report card by kind and level. A running drill's row is sealed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.place import Place

_SCHEMA = """
CREATE TABLE IF NOT EXISTS drills (
  id TEXT PRIMARY KEY, player TEXT NOT NULL, seed INTEGER NOT NULL, level INTEGER NOT NULL, started REAL NOT NULL,
  ended REAL, state TEXT NOT NULL, sealed TEXT NOT NULL, kinds TEXT NOT NULL DEFAULT '',
  hints INTEGER NOT NULL DEFAULT 0,
  marks REAL, recovery REAL, seconds REAL
)
"""
_OPEN = "id, player, seed, level, started, ended, state, kinds, hints, marks, recovery, seconds"


@dataclass(frozen=True)
class Played:
    """One row; ``kinds`` is empty until the drill has ended. What is sealed in it is shown to nobody."""

    id: str
    player: str
    seed: int
    level: int
    started: float
    ended: float | None
    state: str
    kinds: str
    hints: int
    marks: float | None
    recovery: float | None
    seconds: float | None


class History:
    """The drills of one stack."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        with self._open() as db:
            db.execute(_SCHEMA)

    @classmethod
    def of(cls, place: Place) -> History:
        return cls(place.run_dir / "drills" / "history.db")

    def begin(self, identity: str, player: str, seed: int, level: int, started: float, sealed: str) -> None:
        with self._open() as db:
            db.execute(
                "INSERT INTO drills (id, player, seed, level, started, state, sealed) "
                "VALUES (?, ?, ?, ?, ?, 'running', ?)",
                (identity, player, seed, level, started, sealed),
            )

    def end(
        self, identity: str, state: str, ended: float, kinds: str, hints: int, marks: float, seconds: float
    ) -> None:
        """Close a drill: its kinds may be read from now on."""
        with self._open() as db:
            db.execute(
                "UPDATE drills SET state = ?, ended = ?, kinds = ?, hints = ?, marks = ?, seconds = ? WHERE id = ?",
                (state, ended, kinds, hints, marks, seconds, identity),
            )

    def recovered(self, identity: str, marks: float) -> None:
        with self._open() as db:
            db.execute("UPDATE drills SET recovery = ? WHERE id = ?", (marks, identity))

    def all(self) -> list[Played]:
        """The newest first."""
        with self._open() as db:
            return [Played(*row) for row in db.execute(f"SELECT {_OPEN} FROM drills ORDER BY started DESC")]

    def report(self) -> list[tuple[str, int, int, float, float]]:
        """The report card: (kind, level, drills, mean marks, mean seconds) of those that were answered."""
        with self._open() as db:
            return list(
                db.execute(
                    "SELECT kinds, level, count(*), avg(marks), avg(seconds) FROM drills WHERE state = 'answered' "
                    "GROUP BY kinds, level ORDER BY level, kinds"
                )
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as db, db:
            yield db
