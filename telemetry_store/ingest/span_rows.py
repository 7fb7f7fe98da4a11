"""OTLP spans as rows of `spans`, with their resource and scope as a row of `origins`."""

from collections.abc import Iterable
from typing import NamedTuple

import duckdb
import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from telemetry_store.ingest.batch import Batch
from telemetry_store.ingest.values import typed
from telemetry_store.storage.database import Database

COLUMNS: dict[str, pa.DataType | None] = {
    "received": pa.int64(), "trace_id": None, "span_id": pa.uint64(), "parent_id": pa.uint64(),
    "start": pa.int64(), "duration": pa.int64(), "name": pa.string(), "kind": pa.uint8(), "status": pa.uint8(),
    "status_message": pa.string(), "origin_no": pa.int32(), "raw": pa.binary(),
}  # fmt: skip


class Origin(NamedTuple):
    """Where spans came from: the number of their resource and scope, and the service's name."""

    number: int
    service: str


def text_of(attributes: Iterable[KeyValue], key: str, default: str = "") -> str:
    """A string attribute's value, or `default`."""
    return next((pair.value.string_value for pair in attributes if pair.key == key), default)


class SpanRows:
    """One batch of spans on its way into the table."""

    def __init__(self, database: Database, cursor: duckdb.DuckDBPyConnection, received: int) -> None:
        """`received` in seconds since the epoch."""
        self._database, self._cursor, self._received = database, cursor, received
        self.batch = Batch("spans", COLUMNS)

    def origin(self, group: ResourceSpans, scope: InstrumentationScope) -> Origin:
        """The origin of one scope's spans, entered where it is new."""
        key = (group.resource.SerializeToString(), scope.SerializeToString())
        service = text_of(group.resource.attributes, "service.name", "unknown_service")
        number = self._database.origins.find(*key)
        if number is None:
            number = self._new_origin(key, group.resource, scope, service)
        return Origin(number, service)

    def _new_origin(
        self, key: tuple[bytes, bytes], resource: Resource, scope: InstrumentationScope, service: str
    ) -> int:
        more: dict[str, object] = {"service": service}
        sources = (("resource", resource.attributes), ("instrumentation", scope.attributes))
        for where, attributes in sources:
            for pair in attributes:
                self._origin_attribute(more, where, pair)
        for name in ("name", "version"):
            more[self._origin_column("instrumentation:", name, "s")] = getattr(scope, name)
        more.pop("", None)
        return self._database.origins.add(self._cursor, key, more)

    def _origin_attribute(self, more: dict[str, object], where: str, pair: KeyValue) -> None:
        if found := typed(pair.value):
            more[self._origin_column(where, pair.key, found[0])] = found[1]

    def _origin_column(self, scope: str, key: str, kind: str) -> str:
        columns = self._database.columns
        return columns.name(scope, key, kind) or columns.add(self._cursor, "origins", scope, key, kind) or ""

    def add(self, span: Span, origin: Origin) -> None:
        """Append one span, checked before by the receiver."""
        batch, fixed = self.batch, self.batch.fixed
        fixed["received"].append(self._received)
        fixed["trace_id"].append(span.trace_id)
        fixed["span_id"].append(int.from_bytes(span.span_id))
        fixed["parent_id"].append(int.from_bytes(span.parent_span_id))
        fixed["start"].append(span.start_time_unix_nano)
        # A clock that stepped back between start and end must not give a negative duration.
        fixed["duration"].append(max(0, span.end_time_unix_nano - span.start_time_unix_nano))
        fixed["name"].append(span.name)
        fixed["kind"].append(span.kind)
        fixed["status"].append(span.status.code)
        fixed["status_message"].append(span.status.message)
        fixed["origin_no"].append(origin.number)
        fixed["raw"].append(span.SerializeToString())
        for pair in span.attributes:
            if found := typed(pair.value):
                batch.set("span", pair.key, *found)
        self._add_events(span)
        self._add_links(span)
        batch.rows += 1

    def _add_events(self, span: Span) -> None:
        for event in span.events:
            self.batch.extend("event:", "name", "ls", [event.name])
            since = event.time_unix_nano - span.start_time_unix_nano
            self.batch.extend("event:", "timeSinceStart", "li", [since])
            self._extend("event", event.attributes)

    def _add_links(self, span: Span) -> None:
        for link in span.links:
            self.batch.extend("link:", "traceID", "ls", [link.trace_id.hex()])
            self.batch.extend("link:", "spanID", "ls", [link.span_id.hex()])
            self._extend("link", link.attributes)

    def _extend(self, scope: str, attributes: Iterable[KeyValue]) -> None:
        for pair in attributes:
            if found := typed(pair.value):
                kind, value = found
                values = value if kind[0] == "l" else [value]
                self.batch.extend(scope, pair.key, kind if kind[0] == "l" else "l" + kind, values)
