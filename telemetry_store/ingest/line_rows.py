"""OTLP log records as Loki keeps them: a line in a stream, with structured metadata beside it."""

import duckdb
import orjson
import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from telemetry_store.ingest.batch import Batch
from telemetry_store.ingest.values import text
from telemetry_store.storage.database import Database

COLUMNS: dict[str, pa.DataType | None] = {
    "received": pa.int64(), "time": pa.int64(), "stream_no": pa.int32(), "trace_id": None,
    "metadata": pa.string(), "body": pa.string(),
}  # fmt: skip

# The resource attributes that are index labels, as Loki's otlp_config in deploy/ has it.
INDEX_LABELS = ("service.name", "service.namespace", "deployment.environment.name")

# Upper ends of OpenTelemetry's severity numbers, with the words Loki detects.
LEVELS = ((4, "trace"), (8, "debug"), (12, "info"), (16, "warn"), (20, "error"), (24, "fatal"))


def label_name(key: str) -> str:
    """An attribute's name as a label: whatever is no letter, digit or underscore becomes an underscore."""
    name = "".join(char if char.isascii() and char.isalnum() else "_" for char in key)
    return "key_" + name if name[:1].isdigit() else name


def level(record: LogRecord) -> str:
    """Loki's `detected_level` of a record."""
    if record.severity_number:
        return next((word for most, word in LEVELS if record.severity_number <= most), "unknown")
    word = record.severity_text.lower()
    aliases = {"warning": "warn", "critical": "critical", "err": "error", "information": "info"}
    word = aliases.get(word, word)
    return word if word in {"trace", "debug", "info", "warn", "error", "critical", "fatal"} else "unknown"


def _labels(resource: Resource) -> tuple[dict[str, str], dict[str, str]]:
    """(index labels, the rest) of a resource."""
    every = {pair.key: text(pair.value) for pair in resource.attributes}
    every.setdefault("service.name", "unknown_service")
    index = {label_name(key): every.pop(key) for key in INDEX_LABELS if every.get(key)}
    return index, {label_name(key): value for key, value in every.items()}


def _flat(prefix: str, pairs: list[KeyValue], into: dict[str, str]) -> None:
    for pair in pairs:
        name = prefix + label_name(pair.key)
        if pair.value.WhichOneof("value") == "kvlist_value":
            _flat(name + "_", list(pair.value.kvlist_value.values), into)
        else:
            into[name] = text(pair.value)


def metadata_of(record: LogRecord) -> dict[str, str]:
    """The record's structured metadata, without its resource's."""
    found: dict[str, str] = {}
    _flat("", list(record.attributes), found)
    found["detected_level"] = level(record)
    if record.severity_number:
        found["severity_number"] = str(record.severity_number)
    for name in ("severity_text", "event_name"):
        if value := getattr(record, name):
            found[name] = value
    for name in ("trace_id", "span_id"):
        if value := getattr(record, name):
            found[name] = value.hex()
    for name, number in (("observed_timestamp", record.observed_time_unix_nano), ("flags", record.flags)):
        if number:
            found[name] = str(number)
    return found


def _scope_metadata(scope: InstrumentationScope) -> dict[str, str]:
    found: dict[str, str] = {}
    _flat("", list(scope.attributes), found)
    named = {"scope_name": scope.name, "scope_version": scope.version}
    return found | {key: value for key, value in named.items() if value}


class LineRows:
    """One batch of log lines on its way into the table."""

    def __init__(self, database: Database, cursor: duckdb.DuckDBPyConnection, received: int) -> None:
        """`received` in seconds since the epoch."""
        self._database, self._cursor, self._received = database, cursor, received
        self.batch = Batch("lines", COLUMNS)

    def stream(self, resource: Resource, scope: InstrumentationScope) -> tuple[int, dict[str, str]]:
        """The stream's number, and the metadata its resource and scope give each line."""
        index, rest = _labels(resource)
        key = orjson.dumps(index, option=orjson.OPT_SORT_KEYS)
        number = self._database.streams.find(key)
        if number is None:
            number = self._database.streams.add(self._cursor, (key,), {})
        return number, rest | _scope_metadata(scope)

    def add(self, record: LogRecord, stream: tuple[int, dict[str, str]]) -> None:
        """Append one line; without a timestamp it gets the time of its observation or receipt."""
        fixed = self.batch.fixed
        metadata = {key: value for key, value in (stream[1] | metadata_of(record)).items() if value}
        fixed["received"].append(self._received)
        moment = record.time_unix_nano or record.observed_time_unix_nano or self._received * 10**9
        fixed["time"].append(moment)
        fixed["stream_no"].append(stream[0])
        fixed["trace_id"].append(record.trace_id if len(record.trace_id) == 16 else None)
        fixed["metadata"].append(orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS).decode())
        fixed["body"].append(text(record.body))
        self.batch.rows += 1
