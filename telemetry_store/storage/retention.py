"""Deleting what is too old, and the oldest where the file is too large."""

import time

import duckdb

from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.storage.database import Database

CHECK_SECONDS = 30.0
_TABLES = ("spans", "lines")
_GROWTH = 1.02
_SHARE = 0.1  # of the time kept that goes at once when the file is too large


class Retention:
    """Run by the writer's thread between two batches."""

    def __init__(self, database: Database, metrics: OwnMetrics, seconds: float, max_bytes: int) -> None:
        self._database, self._metrics = database, metrics
        self._seconds, self._max_bytes = seconds, max_bytes
        self._next = 0.0
        self._stuck_at = 0

    def run_when_due(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Delete by age and by size, at most every CHECK_SECONDS."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + CHECK_SECONDS
        self.run(cursor)

    def run(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Delete by the time of receipt: a span's own clock may be wrong."""
        self._delete(cursor, int(time.time() - self._seconds), "age")
        before = used_bytes(cursor)
        # Space comes back by whole row groups: where the last round freed none, the next waits for growth.
        if before > max(self._max_bytes, self._stuck_at) and (cutoff := self._older_part(cursor)):
            self._delete(cursor, cutoff, "size")
            self._stuck_at = int(before * _GROWTH) if used_bytes(cursor) >= before else 0

    def _delete(self, cursor: duckdb.DuckDBPyConnection, cutoff: int, reason: str) -> None:
        deleted = 0
        for table in _TABLES:
            ((count,),) = cursor.execute(f"DELETE FROM {table} WHERE received < $1", [cutoff]).fetchall()
            self._metrics.deleted.labels(table, reason).inc(count)
            deleted += count
        if deleted:
            # Only a checkpoint gives blocks of deleted rows back.
            cursor.execute("CHECKPOINT store")

    def _older_part(self, cursor: duckdb.DuckDBPyConnection) -> int | None:
        """The end (s) of the oldest tenth of what is kept, by time; None where there is nothing."""
        oldest = [cursor.execute(f"SELECT min(received) FROM {table}").fetchall() for table in _TABLES]
        found = [moment for ((moment,),) in oldest if moment is not None]
        now = time.time()
        return int(min(found) + max(1.0, (now - min(found)) * _SHARE)) + 1 if found else None


def used_bytes(cursor: duckdb.DuckDBPyConnection) -> int:
    """Bytes of the file's blocks in use; free ones are reused before the file grows."""
    sql = "SELECT block_size * used_blocks FROM pragma_database_size() WHERE database_name = 'store'"
    ((used,),) = cursor.execute(sql).fetchall()
    return int(used)
