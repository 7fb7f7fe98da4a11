"""What survives: SIGKILL, SIGTERM, retention."""

import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from telemetry_store.ingest.queue import Parcel
from telemetry_store.metrics.own import OwnMetrics
from telemetry_store.parts import Parts
from telemetry_store.settings import Settings
from telemetry_store.storage.retention import Retention, used_bytes
from tests.unit.telemetry_store.otlp import log_request, make_record, make_span, send, trace_request
from tests.unit.telemetry_store.process import StoreProcess, http, running_store
from tests.unit.waiting import eventually


def stored_spans(store: StoreProcess, service: str) -> set[str]:
    """Ids of a service's traces."""
    parameters = {"q": f'{{ resource.service.name = "{service}" }}', "limit": "10000"}
    answer = http().get(f"{store.url}/api/search", params=parameters, timeout=30).json()
    return {trace["traceID"].zfill(32) for trace in answer["traces"]}


def test_after_sigkill_what_was_acknowledged_a_second_before_is_there(tmp_path: Path) -> None:
    acknowledged: dict[str, float] = {}
    with running_store(tmp_path) as store:
        stop = threading.Event()
        sender = threading.Thread(target=_keep_sending, args=(store, acknowledged, stop))
        sender.start()
        eventually(lambda: len(acknowledged) > 400, "some hundred traces are acknowledged", within=20)
        store.kill()
        killed = time.monotonic()
        stop.set()
        sender.join(timeout=10)
        store.start()
        found = stored_spans(store, "crash")
        missing = [killed - moment for trace_id, moment in acknowledged.items() if trace_id not in found]
        assert all(age <= 1.0 for age in missing), f"lost although acknowledged {max(missing):.2f} s before"
        assert store.stop() == 0


def _keep_sending(store: StoreProcess, acknowledged: dict[str, float], stop: threading.Event) -> None:
    while not stop.is_set():
        span = make_span()
        try:
            answer = send(store.otlp, "traces", trace_request([span], "crash"))
        except httpx.TransportError:
            return
        if answer.status_code == 200:
            acknowledged[span.trace_id.hex()] = time.monotonic()


def test_sigterm_writes_what_was_taken_and_exits_0(tmp_path: Path) -> None:
    with running_store(tmp_path, "--flush-seconds", "30") as store:
        spans = [make_span() for _ in range(50)]
        assert send(store.otlp, "traces", trace_request(spans, "term")).status_code == 200
        started = time.monotonic()
        assert store.stop() == 0
        assert time.monotonic() - started < 6
        store.start()
        assert stored_spans(store, "term") == {span.trace_id.hex() for span in spans}


def _parts(folder: Path) -> Parts:
    return Parts.open(Settings(database=folder / "store.duckdb"))


def _counts(parts: Parts) -> tuple[int, int]:
    cursor = parts.database.cursor()
    return tuple(cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0] for table in ("spans", "lines"))  # type: ignore[return-value]


def test_a_batch_that_cannot_be_made_rows_of_is_dropped_and_the_next_one_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new resource is entered while rows are made; there DuckDB may fail as well as at the insert."""
    parts = _parts(tmp_path)
    add, calls = parts.database.origins.add, count()

    def failing(*arguments: Any) -> int:
        if next(calls) == 0:
            raise duckdb.IOException("no space left on device")
        return add(*arguments)

    monkeypatch.setattr(parts.database.origins, "add", failing)
    parts.start()
    for _ in range(2):
        assert parts.queue.put(Parcel("traces", trace_request([make_span(), make_span()]), items=2, size=1))
        eventually(lambda: parts.queue.items == 0, "the writer has taken it")
    eventually(lambda: _counts(parts) == (2, 0), "the second batch is kept")
    dropped = parts.writer._metrics.dropped.labels("traces", "write_failed")
    assert dropped._value.get() == 2
    parts.stop()


def test_retention_deletes_by_age(tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    parts.writer.write([Parcel("traces", trace_request([make_span()]), 1, 1)])
    parts.writer.write([Parcel("logs", log_request([make_record("x")]), 1, 1)])
    cursor = parts.database.cursor()
    Retention(parts.database, OwnMetrics(), seconds=3600, max_bytes=10**12).run(cursor)
    assert _counts(parts) == (1, 1)
    cursor.execute("UPDATE spans SET received = received - 7200")
    Retention(parts.database, OwnMetrics(), seconds=3600, max_bytes=10**12).run(cursor)
    assert _counts(parts) == (0, 1)
    parts.database.close()


def test_retention_deletes_the_oldest_where_the_file_is_too_large(tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    cursor = parts.database.cursor()
    # Space comes back by row groups, so it takes some of them; ten rows a second.
    cursor.execute(
        """INSERT INTO lines SELECT $1 - 40000 + i // 10, i, 1, NULL, '{}', md5(i::VARCHAR)
        FROM range(400000) t(i)""",
        [int(time.time())],
    ).fetchall()
    cursor.execute("CHECKPOINT store")
    limit = int(used_bytes(cursor) * 0.6)
    retention = Retention(parts.database, OwnMetrics(), seconds=10**6, max_bytes=limit)
    for _ in range(12):
        retention.run(cursor)
    assert used_bytes(cursor) <= limit * 1.1
    ((count, oldest, newest),) = cursor.execute("SELECT count(*), min(time), max(time) FROM lines").fetchall()
    assert 100_000 < count < 300_000
    assert (oldest, newest) == (400_000 - count, 399_999)
    parts.database.close()


def test_a_reopened_file_still_knows_its_attributes_and_streams(tmp_path: Path) -> None:
    with running_store(tmp_path) as store:
        send(store.otlp, "traces", trace_request([make_span(color="red", size=3)], "again"))
        send(store.otlp, "logs", log_request([make_record("hello")], "again"))
        assert store.stop() == 0
        store.start()
        send(store.otlp, "traces", trace_request([make_span(color="red", size=4.5)], "again"))
        query = {"q": '{ span.color = "red" && (span.size > 2 || span.size > 2.0) }'}

        def traces() -> bool:
            return len(http().get(f"{store.url}/api/search", params=query).json()["traces"]) == 2

        eventually(traces, "spans from before and after are found")
        values = http().get(f"{store.url}/loki/api/v1/label/service_name/values").json()["data"]
        assert values == ["again"]


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / "store.duckdb").write_bytes(b"not a database " * 1000)
    with running_store(tmp_path) as store:
        assert send(store.otlp, "traces", trace_request([make_span()], "new")).status_code == 200
        eventually(lambda: stored_spans(store, "new"), "the new file is written to")
    assert [path.read_bytes()[:5] for path in tmp_path.glob("store.duckdb.damaged-*")] == [b"not a"]


def test_a_file_in_use_is_left_alone(tmp_path: Path) -> None:
    with running_store(tmp_path):
        second = StoreProcess(tmp_path)
        with pytest.raises(AssertionError, match="lock"):
            second.start()
    assert not list(tmp_path.glob("*.damaged-*"))
