"""The DuckDB file: opened with bounded memory and one thread, one cursor for each piece of work."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from telemetry_store.errors import QueryTimeout
from telemetry_store.storage.columns import AttributeColumns
from telemetry_store.storage.registry import Registry

log = logging.getLogger(__name__)

# Resources and scopes are few, so each pair of them has a row in `origins` and spans hold its number.
SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    received BIGINT, trace_id UUID, span_id UBIGINT, parent_id UBIGINT, start BIGINT, duration BIGINT,
    name VARCHAR, kind UTINYINT, status UTINYINT, status_message VARCHAR, origin_no INTEGER, raw BLOB);
CREATE TABLE IF NOT EXISTS origins (origin_no INTEGER, resource BLOB, scope BLOB, service VARCHAR);
CREATE TABLE IF NOT EXISTS lines (
    received BIGINT, time BIGINT, stream_no INTEGER, trace_id UUID, metadata VARCHAR, body VARCHAR);
CREATE TABLE IF NOT EXISTS streams (stream_no INTEGER, labels BLOB);
CREATE TABLE IF NOT EXISTS attribute_columns (
    table_name VARCHAR, column_name VARCHAR, scope VARCHAR, key VARCHAR, kind VARCHAR);
"""


Cursors = tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]


def _interrupt(cursors: Cursors) -> None:
    for cursor in cursors:
        cursor.interrupt()


# Rows. DuckDB gives space of deleted rows back by whole row groups: its own 122 880 would be 60 MB of spans at a time.
ROW_GROUP = 30_720


class Database:
    """The open file. Cursors may be used by any thread, each by one at a time."""

    def __init__(self, path: Path, memory_limit: str) -> None:
        """Open or create `path`; raises duckdb.IOException where another process holds it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        limits: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "memory_limit": memory_limit}
        self.path = path
        self._connection = duckdb.connect(":memory:", config=limits | {"preserve_insertion_order": False})
        self._attach()
        self._connection.execute(SCHEMA)
        self.columns = AttributeColumns(self._connection)
        self.origins = Registry(self._connection, "origins", ("resource", "scope"))
        self.streams = Registry(self._connection, "streams", ("labels",))

    def _attach(self) -> None:
        """Attach the file; one that cannot be read is set aside for a new one, since the store has to start."""
        try:
            self._attach_once()
        except duckdb.Error as error:
            if "lock" in str(error).lower() or not self.path.exists():
                raise
            log.exception("the database cannot be read; a new one is begun and the old one kept beside it")
            aside = f"{self.path.name}.damaged-{int(time.time())}"
            self.path.rename(self.path.with_name(aside))
            wal = self.path.with_name(self.path.name + ".wal")
            if wal.exists():
                wal.rename(self.path.with_name(aside + ".wal"))
            self._attach_once()

    def _attach_once(self) -> None:
        name = str(self.path).replace("'", "''")
        self._connection.execute(f"ATTACH '{name}' AS store (ROW_GROUP_SIZE {ROW_GROUP}); USE store")

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own over the same file."""
        return self._connection.cursor().execute("USE store")

    @contextmanager
    def reading(self, seconds: float) -> Iterator[Cursors]:
        """Two cursors for one query, interrupted `seconds` from now; raises QueryTimeout then.

        Two, because rows may still stream from one while the other answers something about them.
        """
        cursors = self.cursor(), self.cursor()
        timer = threading.Timer(seconds, _interrupt, (cursors,))
        timer.daemon = True
        timer.start()
        try:
            yield cursors
        except duckdb.InterruptException as error:
            raise QueryTimeout(f"the query ran longer than {seconds:g} s") from error
        finally:
            timer.cancel()
            for cursor in cursors:
                cursor.close()

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._connection.execute("CHECKPOINT store")
        self._connection.close()
